// One request to a registry, with what it takes to have it answered: login, and patience.
import AsyncHTTPClient
import BerthModel
import NIOCore
import NIOHTTP1
import Synchronization

struct RegistryRequest: Sendable {
    var method: HTTPMethod = .GET
    /// From the origin on; or a whole address that the registry gave.
    var target: String
    /// The path of the repository; empty: the registry itself.
    var repository: String
    /// What is done to the repository, as scopes have it.
    var actions = "pull"
    /// What it is about, for people.
    var what: String
    var headers: [(String, String)]
    /// Made anew for each attempt.
    var body: (@Sendable () throws -> HTTPClientRequest.Body)?
    /// False: what is half taken cannot be sent again; whoever asks begins anew.
    var isRepeated = true
    /// Another repository that must be read for it.
    var source: String?
    /// Statuses beside 200 and 206 that are answers and no failures.
    var accepted: Set<UInt> = []

    init(_ target: String, of repository: String, _ what: String, headers: [(String, String)] = []) {
        self.target = target
        self.repository = repository
        self.what = what
        self.headers = headers
    }

    var scope: String {
        let own = repository.isEmpty ? "" : "repository:\(repository):\(actions)"
        return own + (source.map { " repository:\($0):pull" } ?? "")
    }
}

extension RegistryClient {
    func send(_ request: RegistryRequest) async throws -> HTTPClientResponse {
        guard
            let url = request.target.hasPrefix("/") ? RegistryURL(origin, request.target) : RegistryURL(request.target)
        else { throw disagrees(request.what, "\(request.target.prefix(200)) is no web address") }
        var authorization = opened.withLock { $0[request.scope] }
        var attempt = 0
        let attemptsMax = request.isRepeated ? RegistryClient.attemptsMax : 1
        var isLoggedIn = false
        while true {
            attempt += 1
            do {
                let response = try await transport.send(
                    request.method, url, own: origin, authorization: url.origin == origin ? authorization : nil,
                    headers: request.headers, body: try request.body?())
                hasEverAnswered.withLock { $0 = true }
                switch response.status.code {
                case 200, 206:
                    opened.withLock { $0[request.scope] = authorization }
                    return response
                case let status where request.accepted.contains(status):
                    opened.withLock { $0[request.scope] = authorization }
                    return response
                case 401 where !isLoggedIn:
                    let challenges = Challenge.parse(response.headers["WWW-Authenticate"])
                    try await RegistryTransport.discard(response)
                    let answer = try await tokens.answer(challenges, scope: request.scope, stale: authorization)
                    guard let answer else { throw denied(request.what, 401, nil) }
                    authorization = answer
                    isLoggedIn = true
                    attempt -= 1
                case 408, 429, 500...599:
                    let error = try await failure(response, request.what)
                    guard attempt < attemptsMax else { throw error }
                    try await backoff(RegistryClient.pause(attempt, response.headers.first(name: "Retry-After")))
                default: throw try await failure(response, request.what)
                }
            } catch let error as BerthError {
                throw error
            } catch is CancellationError {
                throw BerthError(.cancelled, "\(verb) \(request.what)")
            } catch {
                // A registry that has never answered is not there: the next place is asked, or the user is told.
                guard attempt < attemptsMax, hasAnswered, !RegistryClient.isTrust(error) else {
                    throw unreachable(request.what, error)
                }
                try await backoff(RegistryClient.pause(attempt, nil))
            }
        }
    }

    /// Half a second, doubling, with up to a quarter more; what the registry asks for, up to a minute.
    static func pause(_ attempt: Int, _ retryAfter: String?) -> Duration {
        if let seconds = retryAfter.flatMap({ Int($0) }), seconds >= 0 { return .seconds(min(seconds, 60)) }
        let base = 0.5 * Double(1 << min(attempt - 1, 6))
        return .seconds(base * Double.random(in: 1...1.25))
    }
}
