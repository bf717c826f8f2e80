import Glibc

/// Questions to a person, on stderr, with the answer from a terminal.
enum TerminalQuestions {
    /// Whether a person is there to ask.
    static var arePossible: Bool { StandardInput.isTerminal && StandardError.isTerminal }

    /// - Returns: true only for a plain yes.
    static func confirm(_ question: String) async -> Bool {
        StandardError.write(Printable.text(question) + " [y/N] ")
        guard let answer = await TerminalLines.next()?.lowercased() else {
            StandardError.write("\n")
            return false
        }
        return answer == "y" || answer == "yes"
    }

    /// Reads a line that the terminal does not show.
    ///
    /// Silent before it asks: an answer that comes at once would be shown, and then thrown away with
    /// what was typed before the question.
    static func secretLine(_ prompt: String) async -> String? {
        var before = termios()
        let isTerminal = tcgetattr(STDIN_FILENO, &before) == 0
        if isTerminal {
            var silent = before
            silent.c_lflag &= ~tcflag_t(ECHO)
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        }
        StandardError.write(prompt)
        let line = await TerminalLines.next()
        if isTerminal { tcsetattr(STDIN_FILENO, TCSAFLUSH, &before) }
        StandardError.write("\n")
        return line
    }
}
