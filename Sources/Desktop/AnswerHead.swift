internal import AuthModels
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1

/// What an answer's head says before a byte of its body is taken.
enum AnswerHead {
    /// The head in the core's terms.
    ///
    /// - Throws: `TransportError.malformed` for a field name that is no token.
    static func response(_ head: HTTPResponseHead) throws(TransportError) -> HTTPResponse {
        var fields = HTTPFields()
        let inflated = head.headers.contains(name: "content-encoding")
        for (name, value) in head.headers {
            guard let name = HTTPField.Name(name) else {
                throw .malformed("a field name of the answer is not a token")
            }
            // Both speak of the bytes on the wire, not of the body that is handed on.
            if inflated, name == .contentEncoding || name == .contentLength { continue }
            fields.append(HTTPField(name: name, value: value))
        }
        let status = HTTPResponse.Status(
            code: Int(head.status.code), reasonPhrase: head.status.reasonPhrase)
        return HTTPResponse(status: status, headerFields: fields)
    }

    /// Why the answer is refused; nil when it is not.
    static func fault(in head: HTTPResponseHead, bytesMax: Int) -> TransportError? {
        let lengths = head.headers[canonicalForm: "content-length"]
        if !lengths.isEmpty, head.headers.contains(name: "transfer-encoding") {
            // RFC 9112 §6.3: the mark of a smuggled answer.
            return .malformed("the answer has both Content-Length and Transfer-Encoding")
        }
        if let length = lengths.first.flatMap({ Int($0) }), length > bytesMax {
            return .responseTooLarge
        }
        let codings = head.headers[canonicalForm: "content-encoding"]
        let known = codings.allSatisfy { coding in
            ["gzip", "deflate", "identity"].contains { $0.isExactly(coding.lowercased()) }
        }
        guard known, codings.count <= 1 else {
            return .malformed("the answer has a content coding that was not asked for")
        }
        return nil
    }

    static func future(
        on eventLoop: any EventLoop, _ fault: TransportError?
    ) -> EventLoopFuture<Void> {
        guard let fault else { return eventLoop.makeSucceededVoidFuture() }
        return eventLoop.makeFailedFuture(fault)
    }
}
