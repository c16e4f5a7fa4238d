// What needs a registry and no archive, in a process without rights: digests of tags, logins, pushes.
import BerthLinux
import BerthModel
import BerthStore

package enum RegistryQuestion {
    /// Call it from a process that has given up its rights.
    package static func answer(
        _ request: WorkerRequest, report: @escaping @Sendable (LayerProgress) -> Void
    ) async -> WorkerReport {
        do {
            guard let pull = request.pull else {
                throw BerthError(.internal, "asking a registry", cause: "no question")
            }
            switch request.kind {
            case .push: return .resolved(try await ImagePush.run(request, report: report))
            case .resolve: return .resolved(try await resolve(pull))
            case .login:
                try await RegistryPlaces(access: pull.access, name: pull.reference, usesMirrors: false).ask {
                    try await $0.ping()
                }
                return .finished([])
            default: throw BerthError(.internal, "asking a registry", cause: "\(request.kind) is no question")
            }
        } catch let error as BerthError {
            return .failed(error)
        } catch {
            return .failed(BerthError(.internal, "asking a registry", cause: "\(error)"))
        }
    }

    private static func resolve(_ pull: PullRequest) async throws -> Digest {
        guard let reference = ImageReference(pull.reference) else {
            throw BerthError(.invalid, "looking up \(pull.reference)", cause: "invalid reference format")
        }
        if let digest = reference.digest { return digest }
        return try await RegistryPlaces(access: pull.access, name: reference.domain).ask {
            try await $0.digest(reference.path, reference.tag ?? "latest", accept: ImageFetch.accept)
        }
    }
}
