// One file of the web into a directory: what `ADD https://…` and a context that is an address are made of.
import AsyncHTTPClient
import BerthLinux
import BerthModel
import BerthStore
import NIOCore
import NIOHTTP1

package enum WebFetch {
    private static let attemptsMax = 4
    private static let bytesMax: Int64 = 16 << 30

    /// Call it from a process that has given up its rights.
    package static func answer(_ request: WorkerRequest) async -> WorkerReport {
        do {
            guard let fetch = request.fetch else { throw BerthError(.internal, "fetching", cause: "no address") }
            return .fetched(try await run(fetch))
        } catch let error as BerthError {
            return .failed(error)
        } catch {
            return .failed(BerthError(.internal, "fetching", cause: "\(error)"))
        }
    }

    private static func run(_ fetch: WebRequest) async throws -> FetchedFile {
        guard let url = RegistryURL(fetch.address) else {
            throw BerthError(
                .invalid, "fetching \(fetch.address)", subject: fetch.address, cause: "it is no address of the web",
                hint: "write http://… or https://…, without a user and without blanks")
        }
        let transport = RegistryTransport(fetch.access, host: RegistryAccess.Host())
        let result: Result<FetchedFile, any Error>
        do { result = .success(try await patiently(fetch, url, transport)) } catch { result = .failure(error) }
        await transport.close()
        return try result.get()
    }

    private static func patiently(
        _ fetch: WebRequest, _ url: RegistryURL, _ transport: RegistryTransport
    ) async throws -> FetchedFile {
        var attempt = 0
        var hasAnswered = false
        while true {
            attempt += 1
            do {
                // Nobody's own: no login and no trust of a registry goes with it.
                let nobody = RegistryURL.Origin(isSecure: true, host: "", port: 0)
                let response = try await transport.send(.GET, url, own: nobody)
                hasAnswered = true
                switch response.status.code {
                case 200..<300: return try await store(response, fetch, url)
                case let code where attempt < attemptsMax && ([408, 429].contains(code) || code / 100 == 5):
                    try await Task.sleep(
                        for: RegistryClient.pause(attempt, response.headers.first(name: "Retry-After")))
                default:
                    throw BerthError(
                        response.status == .notFound ? .notFound : .unavailable, "fetching \(fetch.address)",
                        subject: fetch.address, cause: "invalid response status \(response.status.code)")
                }
            } catch let error as BerthError {
                throw error
            } catch {
                // One that has never answered is not there.
                guard attempt < attemptsMax, hasAnswered, !RegistryClient.isTrust(error) else {
                    throw BerthError(
                        .unavailable, "fetching \(fetch.address)", subject: fetch.address,
                        cause: RegistryClient.words(error),
                        hint: "is the address right, and reachable from this host?")
                }
                try await Task.sleep(for: RegistryClient.pause(attempt, nil))
            }
        }
    }

    private static func store(
        _ response: HTTPClientResponse, _ fetch: WebRequest, _ url: RegistryURL
    ) async throws -> FetchedFile {
        let name = WebName.of(
            path: url.path, disposition: response.headers.first(name: "Content-Disposition"))
        let directory = try Directory.open(fetch.directory, flags: FileFlags.directory)
        // Of an attempt that broke off.
        NewEntry.remove(in: directory.number, name)
        let file = try NewEntry.file(in: directory.number, name)
        var reserve = try DiskReserve(file.number, TransferLimits())
        var hash = ContentHash()
        for try await part in response.body {
            guard hash.byteCount + Int64(part.readableBytes) <= bytesMax else {
                throw BerthError(
                    .exhausted, "fetching \(fetch.address)", subject: fetch.address,
                    cause: "it is larger than \(bytesMax >> 30) GiB")
            }
            try part.withUnsafeReadableBytes { bytes in
                hash.update(bytes)
                try FileIO.write(number: file.number, bytes)
            }
            try reserve.spend(Int64(part.readableBytes))
        }
        // Docker's: nobody but its owner; its time is the server's, or none.
        let modified = response.headers.first(name: "Last-Modified").flatMap(WebName.time) ?? 0
        try NewEntry.setMetadata(
            in: directory.number, name, userID: 0, groupID: 0, mode: 0o600, seconds: modified, nanoseconds: 0)
        return FetchedFile(name: name, digest: hash.finish(), sizeBytes: hash.byteCount)
    }
}
