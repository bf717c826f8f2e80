/// Columns that line up, for people; programs use `--json`.
struct Table {
    private var rows: [[String]]

    /// - Parameter header: the columns' names.
    init(_ header: [String]) {
        rows = [header]
    }

    mutating func add(_ cells: [String?]) {
        rows.append(cells.map { Printable.text($0 ?? "-") })
    }

    /// The lines, the first one the header; every line ends in a line break.
    var text: String {
        let columns = rows.first?.count ?? 0
        let widths = (0..<columns).map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let isLast = column == columns - 1
                line += cell + (isLast ? "" : spaces(widths[column] - cell.count + 2))
            }
            return line + "\n"
        }.joined()
    }
}

/// Names and values below each other.
struct Fields {
    private var rows: [(name: String, value: String)] = []

    mutating func add(_ name: String, _ value: String?) {
        guard let value else { return }
        rows.append((name, Printable.text(value)))
    }

    var text: String {
        let width = rows.map(\.name.count).max() ?? 0
        return rows.map { "  \($0.name)\(spaces(width - $0.name.count + 2))\($0.value)\n" }.joined()
    }
}

private func spaces(_ count: Int) -> String {
    String(repeating: " ", count: max(count, 0))
}
