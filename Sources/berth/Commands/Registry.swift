// `registry serve`: what is in the store, for others.
import ArgumentParser
import BerthLinux
import BerthModel

struct Registry: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Share this host's images with others", subcommands: [RegistryServe.self])
}

struct RegistryServe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve the local images as a registry, until it is interrupted",
        discussion: """
            Examples:
              berth registry serve                                      to this host: 127.0.0.1:5000, read-only
              berth registry serve --writable --listen 0.0.0.0:5000 \\
                --tls-cert cert.pem --tls-key key.pem --htpasswd users    to a team, that may push too
              htpasswd -B -c users alice                                makes the file of users
            """)
    @Option(help: "Address and port") var listen = "127.0.0.1:5000"
    @Flag(help: "Let clients push and delete: what they push is a local image") var writable = false
    @Option(help: "Certificate, with its chain (PEM)") var tlsCert: String?
    @Option(help: "Its key (PEM)") var tlsKey: String?
    @Option(help: "Who may come in: a file that htpasswd -B writes") var htpasswd: String?
    @Option(help: "This registry's name in the names of images: with NAME, its app:1 is the local NAME/app:1")
    var name: String?
    @Flag(help: "Serve other hosts although there is no TLS, or no login") var allowInsecure = false

    func validate() throws {
        if (tlsCert == nil) != (tlsKey == nil) { throw ValidationError("--tls-cert and --tls-key belong together") }
        if let name, ImageReference("\(name)/x:1")?.domain != name || name == "docker.io" {
            throw ValidationError("--name \(name) is no registry's name: HOST or HOST:PORT")
        }
    }

    func run() async throws {
        let place = try ListenAddress(listen)
        if !place.isLoopback && !allowInsecure && (tlsCert == nil || htpasswd == nil) {
            throw BerthError(
                .denied, "serving images at \(listen)", subject: listen,
                cause: "other hosts can reach it, and there is no \(tlsCert == nil ? "TLS" : "login")",
                hint: "give --tls-cert, --tls-key and --htpasswd, or say --allow-insecure")
        }
        // The first question, asked before anybody can come: there is an agent, and a store.
        _ = try await RegistrySession.ask(.names)
        let data = try Directory.realPath(GlobalOptions.current.dataRoot)
        let layout = StateLayout(dataRoot: data, runRoot: "", world: "")
        var lock: FileLock?
        if writable {
            lock = try FileLock.tryTake(layout.uploadsLock)
            if lock == nil {
                throw BerthError(
                    .conflict, "serving images at \(listen)", cause: "another registry takes images into \(data)",
                    hint: "one at a time can be --writable")
            }
            try Directory.make(layout.uploads)
        }
        var request = ServeRequest(blobs: layout.blobs, uploads: writable ? layout.uploads : nil)
        request.name = name
        request.certificate = try tlsCert.map { try RegistryServe.read($0) }
        request.key = try tlsKey.map { try RegistryServe.read($0) }
        request.passwords = try htpasswd.map { String(decoding: try RegistryServe.read($0), as: UTF8.self) }
        let socket = try place.bind()
        let scheme = tlsCert == nil ? "http" : "https"
        let port = InternetSocket.port(socket.number)
        let session = try RegistrySession(request, socket: socket)
        let code = try await session.run {
            Console.shared.error(
                "Serving images at \(scheme)://\(place.shown(port)), \(writable ? "to read and to write" : "read-only")"
            )
        }
        if writable {
            // Ignored: what stays is removed at the next start.
            try? Directory.remove(layout.uploads)
        }
        withExtendedLifetime(lock != nil) {}
        guard code == 0 else {
            throw BerthError(
                .internal, "serving images at \(listen)", cause: "the server ended with \(code)",
                hint: "what it said is above")
        }
    }

    private static func read(_ path: String) throws -> [UInt8] {
        do { return try FileIO.read(path, limit: 1 << 20) } catch {
            throw BerthError(.notFound, "reading \(path)", subject: path, cause: "\(error)")
        }
    }
}

/// `ADDRESS:PORT`; of names only localhost, since a name may become another address.
struct ListenAddress {
    let bytes: [UInt8]
    let port: UInt16
    private let host: String

    init(_ text: String) throws {
        func wrong(_ cause: String) -> BerthError {
            BerthError(
                .invalid, "reading the address \"\(text)\"", subject: text, cause: cause,
                hint: "such as 127.0.0.1:5000, 0.0.0.0:5000 or [::]:5000")
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw wrong("it has no port")
        }
        var host = String(text[..<colon])
        if host.hasPrefix("[") && host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        if host == "localhost" { host = "127.0.0.1" }
        if host.isEmpty { host = "0.0.0.0" }
        guard let bytes = InternetSocket.address(host) else { throw wrong("\"\(host)\" is no address") }
        self.host = host
        self.bytes = bytes
        self.port = port
    }

    var isLoopback: Bool { bytes.count == 4 ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1] }

    func shown(_ port: UInt16) -> String {
        bytes.count == 4 ? "\(host):\(port)" : "[\(host)]:\(port)"
    }

    /// Bound and listening.
    func bind() throws -> SharedDescriptor {
        do {
            let socket = try InternetSocket.bind(bytes, port: port, datagram: false, reuse: true)
            try InternetSocket.listen(socket.number)
            return socket
        } catch {
            throw BerthError(
                error.isAddressInUse ? .conflict : .unavailable, "listening at \(shown(port))", cause: "\(error)",
                hint: error.isAddressInUse ? "choose another one with --listen" : nil)
        }
    }
}
