internal import AuthModels
internal import AuthenticatedHTTP
internal import FoundationEssentials

/// A list of the service that is read page by page, each page only when it is needed.
///
/// Nothing is requested before the first element is asked for; every iterator starts anew. The
/// service's `next_page_link` is followed as given, within the API's origin only.
public struct KSList<Element: Decodable & Sendable>: AsyncSequence, Sendable {
    let calls: KSCalls?
    let first: Result<WebURL, KSConnectError>

    /// The most pages that one iterator reads; a list with more is an error.
    public static var pagesMax: Int { 10_000 }

    /// The list of an object that no API gave.
    static var unread: KSList { KSList(calls: nil, first: .failure(.unread)) }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }

    /// All elements.
    public func collect() async throws(KSConnectError) -> [Element] {
        var elements: [Element] = []
        var iterator = makeAsyncIterator()
        while let element = try await iterator.next(isolation: #isolation) {
            elements.append(element)
        }
        return elements
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        private let calls: KSCalls?
        private var next: Result<WebURL, KSConnectError>?
        private var elements: ArraySlice<Element> = []
        private var visited: Set<WebURL> = []

        init(_ list: KSList) {
            calls = list.calls
            next = list.first
        }

        /// - Throws: after which the iterator is at its end.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(KSConnectError) -> Element? {
            while elements.isEmpty, let page = next {
                next = nil
                try await read(page.get())
            }
            return elements.popFirst()
        }

        private mutating func read(_ url: WebURL) async throws(KSConnectError) {
            guard let calls else { throw .unread }
            guard visited.insert(url).inserted else {
                throw .unreadable("the pages of a list lead back to themselves")
            }
            guard visited.count <= KSList.pagesMax else {
                throw .unreadable("a list has more than \(KSList.pagesMax) pages")
            }
            let page: Page<Element> = try await calls.page(url)
            elements = page.items[...]
            guard let link = page.next else { return }
            do { next = .success(try calls.http.nextPage(link)) } catch { throw .auth(error) }
        }
    }
}

/// One page in either shape of the service: a bare array, or `{items, next_page_link, count}`.
struct Page<Element: Decodable>: Decodable {
    var items: [Element] = []
    var next: String?

    enum CodingKeys: String, CodingKey {
        case items
        case next = "next_page_link"
    }

    /// What an answer without a body means.
    init() {}

    init(from decoder: any Decoder) throws {
        if let list = try? decoder.unkeyedContainer() {
            _ = list
            items = try [Element](from: decoder)
            return
        }
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        items = try fields.decodeIfPresent([Element].self, forKey: .items) ?? []
        let link = fields.tolerant(.next, as: String.self) ?? ""
        next = link.isEmpty ? nil : link
    }
}
