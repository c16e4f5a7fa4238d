// Requests to answers: who may, what is asked, and by which part it is answered.
import BerthModel
import NIOHTTP1

final class RegistryService: Sendable {
    let shelf: Shelf
    /// Nil: nothing can be pushed and nothing deleted.
    let uploads: Uploads?
    let voice: AgentVoice
    let passwords: PasswordFile?
    /// Manifests are taken one after the other: each may cost an unpacking.
    let turnstile = Turnstile()

    init(shelf: Shelf, uploads: Uploads?, voice: AgentVoice, passwords: PasswordFile?) {
        self.shelf = shelf
        self.uploads = uploads
        self.voice = voice
        self.passwords = passwords
    }

    func answer(_ request: RegistryRequest) async -> RegistryAnswer {
        var answer: RegistryAnswer
        do { answer = try await route(request) } catch let error as RegistryError {
            answer = error.answer
        } catch {
            answer = RegistryError(.internalServerError, "UNKNOWN", "\(error)").answer
        }
        answer.add("Docker-Distribution-API-Version", "registry/2.0")
        answer.add("X-Content-Type-Options", "nosniff")
        return answer
    }

    private func route(_ request: RegistryRequest) async throws -> RegistryAnswer {
        if let passwords, await !passwords.admits(request.header("Authorization")) {
            throw RegistryError(
                .unauthorized, "UNAUTHORIZED", "authentication required",
                headers: [("WWW-Authenticate", "Basic realm=\"berth\", charset=\"UTF-8\"")])
        }
        let route = try RegistryRoute(request.head.uri)
        let method = request.head.method
        if case .base = route, isReading(method) {
            return RegistryAnswer(.ok, .bytes(Array("{}".utf8)), type: "application/json")
        }
        switch (method, route) {
        case (.GET, .catalog), (.HEAD, .catalog): return try await catalog(request)
        case (.GET, .tags(let name)), (.HEAD, .tags(let name)): return try await tags(name, request)
        case (.GET, .referrers(let name, let digest)), (.HEAD, .referrers(let name, let digest)):
            return try await referrers(name, digest, request)
        case (.GET, .manifest(let name, let tag)), (.HEAD, .manifest(let name, let tag)):
            return try await manifest(name, tag)
        case (.GET, .blob(let name, let digest)), (.HEAD, .blob(let name, let digest)):
            return try await blob(name, digest, request)
        case (.PUT, _), (.POST, _), (.PATCH, _), (.DELETE, _), (.GET, .upload):
            guard let uploads else { throw RegistryError.readOnly }
            return try await write(route, request, uploads)
        default: throw RegistryError.method
        }
    }

    private func isReading(_ method: HTTPMethod) -> Bool { method == .GET || method == .HEAD }

    private func write(
        _ route: RegistryRoute, _ request: RegistryRequest, _ uploads: Uploads
    ) async throws -> RegistryAnswer {
        switch (request.head.method, route) {
        case (.PUT, .manifest(let name, let tag)): return try await putManifest(name, tag, request, uploads)
        case (.DELETE, .manifest(let name, let tag)): return try await deleteManifest(name, tag)
        case (.DELETE, .blob(let name, let digest)): return try await deleteBlob(name, digest, uploads)
        case (.POST, .uploads(let name)): return try await beginUpload(name, request, uploads)
        case (.GET, .upload(let name, let id)): return try await uploadStatus(name, id, uploads)
        case (.PATCH, .upload(let name, let id)): return try await appendToUpload(name, id, request, uploads)
        case (.PUT, .upload(let name, let id)): return try await finishUpload(name, id, request, uploads)
        case (.DELETE, .upload(let name, let id)):
            try await uploads.cancel(name, id)
            return RegistryAnswer(.noContent)
        default: throw RegistryError.method
        }
    }
}

/// One at a time, in the order in which they came.
actor Turnstile {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func enter() async {
        if !isTaken {
            isTaken = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
    }
}
