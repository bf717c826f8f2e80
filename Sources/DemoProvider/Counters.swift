/// Counts what happened, for tests that must prove what did not.
actor Counters {
    private struct Refreshes {
        var requests = 0
        var concurrent = 0
        var maxConcurrent = 0
    }

    private var endpoints: [String: Int] = [:]
    private var grants: [String: Int] = [:]
    private var refreshes: [String: Refreshes] = [:]

    /// Counts a request by method and route.
    func count(endpoint: String) {
        endpoints[endpoint, default: 0] += 1
    }

    /// Counts a token request by its grant type.
    func count(grantType: String) {
        grants[grantType, default: 0] += 1
    }

    /// Notes the arrival of a refresh request.
    func beginRefresh(of fingerprint: String) {
        var entry = refreshes[fingerprint, default: Refreshes()]
        entry.requests += 1
        entry.concurrent += 1
        entry.maxConcurrent = max(entry.maxConcurrent, entry.concurrent)
        refreshes[fingerprint] = entry
    }

    /// Notes that a refresh request is about to be answered or dropped.
    func endRefresh(of fingerprint: String) {
        refreshes[fingerprint]?.concurrent -= 1
    }

    func reset() {
        endpoints = [:]
        grants = [:]
        // Requests under way must still find their entry.
        refreshes = refreshes.filter { $0.value.concurrent > 0 }
    }

    /// The counts as the control endpoint answers them.
    func report(reuseDetections: Int, codeReuses: Int) -> JSON {
        [
            "endpoints": .object(endpoints.mapValues(JSON.int)),
            "grants": .object(grants.mapValues(JSON.int)),
            "codeReuses": .int(codeReuses),
            "refresh": [
                "reuseDetections": .int(reuseDetections),
                "maxConcurrent": .int(refreshes.values.map(\.maxConcurrent).max() ?? 0),
                "tokens": .object(
                    refreshes.mapValues {
                        ["requests": .int($0.requests), "maxConcurrent": .int($0.maxConcurrent)]
                    }),
            ],
        ]
    }
}
