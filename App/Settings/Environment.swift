import AuthModels
import FoundationEssentials
import Glibc

/// The environment at the start, with the client secret taken out of it.
struct Environment: Sendable {
    /// As the platform sees it; never holds a secret.
    let variables: [String: String]
    /// What `KSCONNECT_CLIENT_SECRET` held; nil where it was not set, or empty.
    let clientSecret: SecretBytes?

    private static let secretName = "KSCONNECT_CLIENT_SECRET"

    /// Reads the environment, and wipes the secret from it: neither a child nor
    /// `/proc/PID/environ` shows it afterwards.
    static func takingSecrets() -> Environment {
        var secret: SecretBytes?
        if let value = getenv(secretName) {
            let length = strlen(value)
            if length > 0 {
                secret = SecretBytes(
                    UnsafeRawBufferPointer(start: value, count: length))
                explicit_bzero(value, length)
            }
            unsetenv(secretName)
        }
        let variables = ProcessInfo.processInfo.environment
        // GLib would print its messages to stdout, which is for the answer alone, and what goes
        // over the bus with them.
        for name in ["G_MESSAGES_DEBUG", "G_DBUS_DEBUG"] { unsetenv(name) }
        return Environment(variables: variables, clientSecret: secret)
    }

    /// A variable that is set to something; an empty one counts as unset.
    subscript(name: String) -> String? {
        variables[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A folder of the XDG base directories: `name`, or `fallback` under HOME.
    func baseFolder(_ name: String, fallback: String) -> String? {
        // A relative path is invalid there and is to be ignored, says the specification.
        if let folder = self[name], folder.hasPrefix("/") { return folder }
        return self["HOME"].map { "\($0)/\(fallback)" }
    }

    var hasDisplay: Bool { self["DISPLAY"] != nil || self["WAYLAND_DISPLAY"] != nil }
}
