internal import AsyncHTTPClient

/// Gathers an answer and knows whether anything of its request may have left.
protocol SendingWitness: HTTPClientResponseDelegate {
    var mayHaveArrived: Bool { get }
}
