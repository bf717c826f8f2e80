import ArgumentParser

/// Runs the refresh protocol of several processes under faults, each run decided by its seed alone.
@main
struct RefreshSimulation: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Simulates the refresh of one session by several processes under faults.",
        discussion: "Example: RefreshSimulation --seeds 2000")

    @Option(help: "How many seeds to run.")
    var seeds: UInt64 = 100

    @Option(help: "The first of them.")
    var first: UInt64 = 1

    @Option(help: "Runs this seed alone.")
    var seed: UInt64?

    @Flag(help: "Prints what happens; with --seed.")
    var trace = false

    @Option(help: "Breaks one rule on purpose.")
    var mutant: Mutant?

    @Flag(help: "Breaks each rule in turn; fails if that goes unnoticed.")
    var checkMutants = false

    @Flag(help: "Prints the machine's state diagram (Mermaid).")
    var diagram = false

    @Option(help: "How many seeds run at a time.")
    var jobs = 2

    func run() async throws {
        let fixtures = try Fixtures()
        if diagram {
            print(try StateDiagram(fixtures).text, terminator: "")
        } else if checkMutants {
            try await checkAllMutants(fixtures)
        } else if let seed {
            let world = World(
                Options(seed: seed, mutant: mutant, isTraced: trace), fixtures: fixtures)
            world.run()
            report(world.counts)
            if let violation = world.violation { try fail(seed, violation) }
        } else {
            let (counts, found) = await runSeeds(first..<(first + seeds), mutant, fixtures)
            report(counts)
            if let found { try fail(found.seed, found.violation) }
        }
    }

    struct Found: Sendable {
        let seed: UInt64
        let violation: Violation
    }

    /// Runs the seeds until one fails; of several that fail, the smallest is told.
    private func runSeeds(
        _ range: Range<UInt64>, _ mutant: Mutant?, _ fixtures: Fixtures
    ) async -> (Counts, Found?) {
        let jobs = UInt64(max(jobs, 1))
        let batch: UInt64 = 20
        var counts = Counts()
        var start = range.lowerBound
        while start < range.upperBound {
            let found = await withTaskGroup(of: (Counts, Found?).self) { group in
                for job in 0..<jobs {
                    let low = min(start + job * batch, range.upperBound)
                    let high = min(low + batch, range.upperBound)
                    group.addTask { Self.runBatch(low..<high, mutant, fixtures) }
                }
                var found: Found?
                for await (more, candidate) in group {
                    counts.add(more)
                    guard let candidate else { continue }
                    if found.map({ candidate.seed < $0.seed }) ?? true { found = candidate }
                }
                return found
            }
            if let found { return (counts, found) }
            start = min(start + jobs * batch, range.upperBound)
        }
        return (counts, nil)
    }

    private static func runBatch(
        _ range: Range<UInt64>, _ mutant: Mutant?, _ fixtures: Fixtures
    ) -> (Counts, Found?) {
        var counts = Counts()
        for seed in range {
            let world = World(Options(seed: seed, mutant: mutant), fixtures: fixtures)
            world.run()
            counts.add(world.counts)
            if let violation = world.violation {
                return (counts, Found(seed: seed, violation: violation))
            }
        }
        return (counts, nil)
    }

    private func checkAllMutants(_ fixtures: Fixtures) async throws {
        var survivors: [Mutant] = []
        for mutant in Mutant.allCases {
            let (counts, found) = await runSeeds(1..<(seeds + 1), mutant, fixtures)
            if let found {
                print(
                    "\(mutant): found after \(counts.seeds) seeds, invariant "
                        + "\(found.violation.invariant): \(found.violation.what)")
            } else {
                print("\(mutant): NOT found in \(counts.seeds) seeds")
                survivors.append(mutant)
            }
        }
        if !survivors.isEmpty { throw ExitCode.failure }
    }

    private func report(_ counts: Counts) {
        let hours = Double(counts.simulated) / 3.6e9
        let tenths = Int(hours * 10)
        print(
            "\(counts.seeds) seeds, \(tenths / 10).\(tenths % 10) simulated hours, "
                + "\(counts.steps) steps, \(counts.requests) requests, "
                + "\(counts.refreshes) refreshes, \(counts.kills) kills, \(counts.stops) stops, "
                + "\(counts.reboots) reboots, \(counts.signIns) sign-ins, "
                + "\(counts.signOuts) sign-outs, "
                + "\(counts.lostTokens) tokens that nobody received")
        let outcomes = counts.outcomes.sorted { $0.key < $1.key }
        print(outcomes.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
    }

    private func fail(_ seed: UInt64, _ violation: Violation) throws {
        let mutation = mutant.map { " --mutant \($0)" } ?? ""
        print("seed \(seed) violates invariant \(violation.invariant): \(violation.what)")
        print("replay: swift run RefreshSimulation --seed \(seed) --trace\(mutation)")
        throw ExitCode.failure
    }
}
