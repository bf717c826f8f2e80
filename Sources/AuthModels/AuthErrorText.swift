// Every error as people read it: what happened and why, then what to do next. Texts of the other
// side inside were escaped and capped before they became part of an error.

extension AuthError {
    /// What happened, and why, in one line without a full stop.
    public var message: String {
        switch self {
        case .transient(let why, let retryAfter):
            "there was no usable answer: \(why)" + Self.advice(retryAfter)
        case .busy(let why, let retryAfter): "it is busy: \(why)" + Self.advice(retryAfter)
        case .tlsFailure(let why): "the connection is not safe: \(why)"
        case .cancelled: "interrupted: nothing more was done"
        case .loginRequired(let reason): reason.message
        case .callbackTimeout: "the sign-in timed out: no redirect came back from the browser"
        case .portUnavailable(let port):
            "the redirect cannot be received: another program uses port \(port)"
        case .authorizationDenied(let code): "the sign-in was refused: the provider says \(code)"
        case .codeExchangeLost(let why):
            "the sign-in could not be finished: the answer with the tokens was lost (\(why))"
        case .authorizationResponseInvalid(let why): "the redirect cannot be accepted: \(why)"
        case .issuerMismatch: "the redirect cannot be accepted: it comes from another provider"
        case .discoveryInvalid(let why): "the provider's metadata cannot be accepted: \(why)"
        case .tokenResponseInvalid(let why): "the provider's tokens cannot be accepted: \(why)"
        case .idTokenInvalid(let why): "the provider's ID token cannot be accepted: \(why)"
        case .userInfoInvalid(let why): "the provider's userinfo cannot be accepted: \(why)"
        case .protocolFailure(let why): "the answer cannot be understood: \(why)"
        case .responseTooLarge: "the answer cannot be accepted: it is too large"
        case .configInvalid(let why): "the configuration is wrong: \(why)"
        case .tokenEndpointRejected(let code):
            code.isEmpty
                ? "the provider refused the request and does not say why"
                : "the provider refused the client: it says \(code)"
        case .originNotAllowed: "nothing was sent: the URL is outside the API's origin"
        case .unauthorizedAfterRefresh:
            "the API refused the access token: HTTP 401, with a fresh token too"
        case .insufficientScope(let scope):
            "the API refused the call: the access token's scope does not cover it"
                + (scope.map { " (needed: \($0))" } ?? "")
        case .stepUpRequired: "the API wants a stronger or more recent sign-in"
        case .bodyNotRepeatable:
            "the call was not carried out: the access token was refused and the body is gone"
        case .outcomeUnknown(let why): "nobody knows whether the call was carried out: \(why)"
        case .store(let error): error.message
        case .randomnessUnavailable: "nothing was done: the kernel gave no random bytes"
        }
    }

    /// What to do next, a sentence without a full stop.
    public var remedy: String {
        switch self {
        case .transient: "try again later; nobody was signed out by this"
        case .busy: "try again later"
        case .tlsFailure:
            "check the address and this machine's clock; a company's own authority is named by "
                + "SSL_CERT_FILE"
        case .cancelled: "run the command again"
        case .loginRequired: "sign in with `ksconnect login`"
        case .callbackTimeout: "sign in again; --timeout gives more time"
        case .portUnavailable:
            "end the other program, or choose another port that the provider knows with "
                + "--redirect-uri"
        case .authorizationDenied: "sign in again and allow access, or ask the provider's people"
        case .codeExchangeLost: "start `ksconnect login` again; a code is never sent twice"
        case .authorizationResponseInvalid, .issuerMismatch:
            "sign in again; if it happens again, the provider or something before it is at fault"
        case .discoveryInvalid: "check --issuer: it must be exactly what the provider calls itself"
        case .tokenResponseInvalid, .userInfoInvalid, .protocolFailure, .responseTooLarge:
            "try again; if it happens again, tell the provider's people"
        case .idTokenInvalid:
            "check this machine's clock and the client id; if both are right, tell the provider's "
                + "people"
        case .configInvalid: "correct the flag, the environment variable or the config file"
        case .tokenEndpointRejected(let code) where code.isEmpty:
            "try again; if it happens again, sign in again with `ksconnect login`"
        case .tokenEndpointRejected(code: "use_dpop_nonce"),
            .tokenEndpointRejected(code: "invalid_dpop_proof"):
            "check this machine's clock; if it is right, tell the provider's people, or sign in "
                + "with --no-dpop"
        case .tokenEndpointRejected:
            "check the client id, its secret (--client-auth says how it is sent) and --scope"
        case .originNotAllowed: "give a path, or a URL that begins with the API's own"
        case .unauthorizedAfterRefresh:
            "check that --api-url names the API that this sign-in is for; the session is kept"
        case .insufficientScope: "sign in again with a --scope that covers the call"
        case .stepUpRequired(let acrValues, let maxAge):
            "sign in again with `ksconnect login\(Self.stepUp(acrValues, maxAge))`"
        case .bodyNotRepeatable: "run the command again"
        case .outcomeUnknown: "look before you try again: it may then be carried out twice"
        case .store(let error): error.remedy
        case .randomnessUnavailable: "try again; if it stays so, the system itself is broken"
        }
    }

    /// The options that ask for what the API asked for. People paste them into a shell, so text of
    /// the API's is repeated only where no shell reads more than letters in it.
    private static func stepUp(_ acrValues: String?, _ maxAge: Int?) -> String {
        var options = ""
        let isHarmless = { (byte: UInt8) in
            (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte)
                || " ._:/-".utf8.contains(byte)
        }
        if let acrValues, acrValues.utf8.allSatisfy(isHarmless) {
            options += " --acr-values '\(acrValues)'"
        }
        if let maxAge { options += " --max-age \(maxAge)" }
        return options
    }

    private static func advice(_ retryAfter: Duration?) -> String {
        retryAfter.map { " (asked to wait \(max($0.components.seconds, 1)) s)" } ?? ""
    }
}

extension LoginReason {
    /// What happened, and why.
    public var message: String {
        switch self {
        case .never: "not signed in: nobody is signed in to this account"
        case .ended(let reason): "signed out: \(reason.message)"
        }
    }
}

extension ExpiryReason {
    /// Why signing in again is needed.
    public var message: String {
        switch self {
        case .revoked: "the provider has ended the session"
        case .expired: "the access token has run out and there is no refresh token"
        case .outcomeUnknown:
            "the answer to an earlier refresh was lost, and the provider takes the old token no more"
        case .keyLost: "the key that sealed the tokens is gone"
        case .identityChanged: "a refreshed ID token named someone else, so no token of it is used"
        }
    }
}

extension StoreError {
    /// What happened, and why.
    public var message: String {
        switch self {
        case .unavailable(let fault): "the store cannot be used: \(fault.message)"
        case .corrupt(let what): "the store is damaged: \(what)"
        case .key(let fault): "the key to the tokens cannot be used: \(fault.message)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .unavailable(let fault): fault.remedy
        case .corrupt:
            "the damaged file is kept; put it back from a backup, or move the data folder away and "
                + "sign in again"
        case .key(let fault): fault.remedy
        }
    }
}

extension StoreFault {
    /// Why the store cannot be used.
    public var message: String {
        switch self {
        case .permission(let what): what
        case .full: "the disk is full"
        case .busy: "another process is writing to it"
        case .readOnly: "it is on a read-only file system"
        case .newerSchema: "a later version of this program wrote it"
        case .inputOutput(let what): what
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .permission:
            "make the data folder your own (chmod 700, files 600), or name another with --data-dir"
        case .full: "free some space and try again; nothing is lost"
        case .busy: "try again in a moment"
        case .readOnly: "name a writable folder with --data-dir"
        case .newerSchema: "install the later version, or name another folder with --data-dir"
        case .inputOutput: "check the disk and the data folder, or name another with --data-dir"
        }
    }
}

extension KeyFault {
    /// What happened, for people.
    public var message: String {
        switch self {
        case .unavailable(let tried): "no Secret Service can be reached (\(tried))"
        case .notAnswering: "the Secret Service did not answer in time"
        case .locked: "the keyring is locked"
        case .dismissed: "the keyring's prompt was closed"
        case .missing(let provider): "it is not in the keyring (asked: \(provider))"
        case .lost(let provider):
            "the one that sealed this session was replaced and is gone (asked: \(provider))"
        case .wrong: "the key in the keyring is not the one that sealed the tokens"
        case .rotating: "another process is changing the key"
        case .refused(let reason): "the Secret Service did not keep it (\(reason))"
        case .passphraseNeeded: "it is under a passphrase, and nobody is there to ask"
        case .wrongPassphrase: "the passphrase is not the one that it is under"
        case .noCredential(let reason): "the credential cannot be used: \(reason)"
        case .otherVault(let kept, let chosen):
            "it is kept by \(kept), and the settings say \(chosen)"
        case .cancelled: "the wait for it was cancelled"
        }
    }

    /// What to do next, for people.
    public var remedy: String {
        switch self {
        case .unavailable:
            "start a desktop session with gnome-keyring or KWallet, or run the command inside "
                + "dbus-run-session with an unlocked gnome-keyring"
        case .notAnswering: "restart the keyring's daemon and try again"
        case .locked, .dismissed: "unlock the keyring and try again"
        case .missing:
            "start the keyring that was used to sign in; if it is gone for good, sign in again"
        case .lost: "sign in again; other accounts are not touched"
        case .wrong: "put the keyring back that belongs to this data folder, or sign in again"
        case .rotating: "try again in a moment"
        case .refused: "create a default keyring (Passwords and Keys shows them) and try again"
        case .passphraseNeeded:
            "run the command in a terminal, or hand the passphrase over with --passphrase-fd"
        case .wrongPassphrase: "try again; the tokens are left as they are"
        case .noCredential:
            "make one with `head -c 32 /dev/urandom | systemd-creds encrypt --name=ksconnect.key "
                + "- FILE` and name it in the unit: LoadCredentialEncrypted=ksconnect.key:FILE"
        case .otherVault(_, let chosen):
            "leave --vault, KSCONNECT_VAULT and the config file's vault out, or move the key: "
                + "ksconnect vault move --to \(chosen)"
        case .cancelled: "try again"
        }
    }
}
