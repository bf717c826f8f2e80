/// The provider's description of itself (OpenID Connect Discovery §3, RFC 8414 §2).
enum Discovery {
    static func document(issuer: String) -> JSON {
        [
            "issuer": .string(issuer),
            "jwks_uri": .string(issuer + "/.well-known/openid-configuration/jwks"),
            "authorization_endpoint": .string(issuer + "/connect/authorize"),
            "token_endpoint": .string(issuer + "/connect/token"),
            "userinfo_endpoint": .string(issuer + "/connect/userinfo"),
            "end_session_endpoint": .string(issuer + "/connect/endsession"),
            "revocation_endpoint": .string(issuer + "/connect/revocation"),
            "scopes_supported": .array(DemoServer.Scope.allCases.map { .string($0.rawValue) }),
            "claims_supported": [
                "sub", "name", "given_name", "family_name", "preferred_username", "email",
                "email_verified",
            ],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic", "client_secret_post", "none",
            ],
            "revocation_endpoint_auth_methods_supported": [
                "client_secret_basic", "client_secret_post", "none",
            ],
            "code_challenge_methods_supported": ["S256"],
            "dpop_signing_alg_values_supported": ["ES256"],
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "authorization_response_iss_parameter_supported": true,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
        ]
    }
}
