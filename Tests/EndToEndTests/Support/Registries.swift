// Registries inside a world's host: Debian's, and one of our own that misbehaves on demand.
import Foundation

/// An image with five layers as an OCI layout, made once for this process.
enum RegistryImage {
    private static let lock = NSLock()

    static func layout() throws -> String {
        lock.lock()
        defer { lock.unlock() }
        let directory = "\(NSTemporaryDirectory())/berth-layout-\(getpid())"
        if FileManager.default.fileExists(atPath: directory) { return directory }
        let made = try Shell.run("'\(Fixture.path("make-layout"))' '\(try BusyboxImage.path())' '\(directory)'")
        guard made.status == 0 else { throw WorldError("making the layout: \(made)") }
        atexit { try? FileManager.default.removeItem(atPath: "\(NSTemporaryDirectory())/berth-layout-\(getpid())") }
        return directory
    }
}

enum Fixture {
    static func path(_ name: String) -> String {
        SourceRoot.url.appendingPathComponent("Tests/EndToEndTests/Fixtures/\(name)").path
    }
}

/// The registry that misbehaves as the first part of a repository's name says.
final class FakeRegistry {
    struct Request: Decodable {
        var host: String
        var path: String
        var range: String
        var login: String
    }

    static let address = "127.0.0.1:5900"
    static let stranger = "127.0.0.2:5901"
    private let program: RunningProgram
    private let log: String

    /// - Parameter tls: a second address that speaks TLS, and its certificate and key.
    init(
        _ world: World, address: String = FakeRegistry.address,
        tls: (address: String, certificate: Certificate)? = nil
    ) throws {
        log = world.root.appendingPathComponent("requests").path
        program = try world.start(
            program: "/usr/bin/python3",
            [Fixture.path("fake-registry"), try RegistryImage.layout(), address, FakeRegistry.stranger, log]
                + (tls.map { [$0.address, $0.certificate.path, $0.certificate.keyPath] } ?? []))
        guard eventually(20, { FileManager.default.fileExists(atPath: log) }) else {
            throw WorldError("the fake registry does not start: \(program.stderrSoFar)")
        }
    }

    func requests() throws -> [Request] {
        try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map {
            try JSONDecoder().decode(Request.self, from: Data($0.utf8))
        }
    }

    func stop() {
        program.signal(SIGKILL)
        _ = program.wait()
    }
}

/// A certificate that is its own authority, in a world's directory.
struct Certificate {
    let path: String
    let keyPath: String

    /// - Parameter names: `IP:` or `DNS:` names.
    init(_ world: World, names: String) throws {
        path = world.root.appendingPathComponent("cert.pem").path
        keyPath = world.root.appendingPathComponent("key.pem").path
        let made = try Shell.run(
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout '\(keyPath)' -out '\(path)' -days 2 -subj /CN=registry "
                + "-addext 'subjectAltName=\(names)' 2>/dev/null")
        guard made.status == 0 else { throw WorldError("making a certificate: \(made)") }
    }
}

/// A program of the fixtures that stands between two others and writes what it sees to a file.
final class Between {
    private let program: RunningProgram
    private let log: String

    /// - Parameter arguments: without the log, which comes last and is there when the program listens.
    init(_ world: World, _ fixture: String, _ arguments: [String]) throws {
        log = world.root.appendingPathComponent("\(fixture).log").path
        program = try world.start(program: "/usr/bin/python3", [Fixture.path(fixture)] + arguments + [log])
        guard eventually(20, { FileManager.default.fileExists(atPath: log) }) else {
            throw WorldError("\(fixture) does not start: \(program.stderrSoFar)")
        }
    }

    func lines() throws -> [String] {
        try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    func stop() {
        program.signal(SIGKILL)
        _ = program.wait()
    }
}

/// Debian's docker-registry.
final class RealRegistry {
    private let program: RunningProgram

    /// - Parameter settings: YAML below `http:` and beside it, such as `tls` and `auth`.
    init(_ world: World, port: Int, tls: String = "", auth: String = "") throws {
        let root = world.root.appendingPathComponent("registry-\(port)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        let text = """
            version: 0.1
            log: {level: error}
            storage: {filesystem: {rootdirectory: \(root.path)/data}, delete: {enabled: true}}
            http: {addr: "127.0.0.1:\(port)"\(tls)}
            \(auth)
            """
        try Data(text.utf8).write(to: root.appendingPathComponent("config.yml"))
        program = try world.start(program: "/usr/bin/docker-registry", ["serve", "\(root.path)/config.yml"])
        let isUp = try eventually(20) { try world.onHost("ss -ltnH 'sport = :\(port)' | grep -q .").status == 0 }
        guard isUp else { throw WorldError("docker-registry does not start: \(program.stderrSoFar)") }
    }

    func stop() {
        program.signal(SIGKILL)
        _ = program.wait()
    }
}
