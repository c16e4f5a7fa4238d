// Where a registry's content may be had: its mirrors, itself, and itself over plain HTTP where that is allowed.
import BerthModel

struct RegistryPlaces {
    let access: RegistryAccess
    /// As references have it.
    let name: String
    var usesMirrors = true
    var verb = "pulling"

    private var clients: [RegistryClient] {
        let host = access.hosts[name] ?? RegistryAccess.Host()
        let mirrors = usesMirrors ? host.mirrors.compactMap { RegistryURL($0)?.origin } : []
        return mirrors.map { RegistryClient(name: name, origin: $0, access: access, isMirror: true, verb: verb) }
            + RegistryClient.origins(name, host).map {
                RegistryClient(name: name, origin: $0, access: access, verb: verb)
            }
    }

    /// Asks one place after the other, until one has an answer.
    func ask<Answer: Sendable>(_ body: (RegistryClient) async throws -> Answer) async throws -> Answer {
        var failure: BerthError?
        for client in clients {
            do {
                let answer = try await body(client)
                await client.close()
                return answer
            } catch let error as BerthError {
                await client.close()
                // A mirror may lack what the registry has; a registry that answers over TLS is not asked without.
                guard [.unavailable, .notFound, .denied].contains(error.code), client.isMirror || !client.hasAnswered
                else { throw error }
                failure = failure ?? error
            }
        }
        throw failure ?? BerthError(.internal, "asking \(name)", cause: "there is no registry to ask")
    }
}
