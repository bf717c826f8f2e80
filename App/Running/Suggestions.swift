/// What a person may have meant by a name that nothing bears.
enum Suggestions {
    private static let shownMax = 5

    /// The likeliest names, those alike first; says how many there are beside them.
    static func text(for name: String, among titles: [String]) -> String {
        guard !titles.isEmpty else { return "there is none" }
        let wanted = Array(name.lowercased().unicodeScalars.prefix(64))
        let ranked = titles.enumerated().map { index, title in
            (index: index, title: title, distance: distance(wanted, to: title))
        }
        let nearest = ranked.sorted { ($0.distance, $0.index) < ($1.distance, $1.index) }
        let shown = nearest.prefix(shownMax).map(\.title).joined(separator: ", ")
        let more = titles.count - shownMax
        return "choose one of: " + shown + (more > 0 ? ", … (\(more) more)" : "")
    }

    /// Zero where one holds the other, else how many letters must change.
    private static func distance(_ wanted: [Unicode.Scalar], to title: String) -> Int {
        let title = Array(title.lowercased().unicodeScalars.prefix(64))
        if contains(title, wanted) || contains(wanted, title) { return 0 }
        var row = Array(0...title.count)
        for (line, letter) in wanted.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for column in title.indices {
                let change = diagonal + (letter == title[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(change, diagonal + 1, row[column] + 1)
            }
        }
        return row[title.count]
    }

    private static func contains(_ text: [Unicode.Scalar], _ part: [Unicode.Scalar]) -> Bool {
        guard !part.isEmpty, part.count <= text.count else { return false }
        return (0...(text.count - part.count)).contains { text[$0...].starts(with: part) }
    }
}
