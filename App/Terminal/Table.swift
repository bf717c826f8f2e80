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
            rows.map { Self.width($0[column]) }.max() ?? 0
        }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let isLast = column == columns - 1
                line += cell + (isLast ? "" : spaces(widths[column] - Self.width(cell) + 2))
            }
            return line + "\n"
        }.joined()
    }

    /// How many columns of a terminal a text takes.
    private static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { $0 + width($1) }
    }

    private static func width(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: return wide.contains { $0.contains(scalar.value) } ? 2 : 1
        }
    }

    /// The blocks that Unicode Standard Annex 11 counts as wide: ideographs and their like, and
    /// most pictographs.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F,
        0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
        0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
    ]
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
