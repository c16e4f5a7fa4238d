// What the caller's files and environment say of registries: logins, mirrors, trust, proxies.
import BerthLinux
import BerthModel
import FoundationEssentials

enum RegistryFiles {
    /// - Parameters:
    ///   - references: images that may be pulled; only their registries are looked up.
    ///   - runsHelpers: whether credential helpers are run; a helper is a program, so only where a pull is likely.
    static func access(for references: [String], runsHelpers: Bool = true) -> RegistryAccess {
        var access = RegistryAccess()
        let domains = Set(references.compactMap { ImageReference($0)?.domain })
        if domains.isEmpty { return access }
        let logins = LoginFiles()
        let settings = RegistrySettings()
        for domain in domains.sorted() {
            var host = settings.host(domain)
            host.login = logins.login(for: domain, runsHelpers: runsHelpers)
            RegistryCertificates.read(domain, into: &host)
            if host != RegistryAccess.Host() { access.hosts[domain] = host }
        }
        func variable(_ name: String) -> String? {
            let value = EnvironmentVariables.value(name.lowercased()) ?? EnvironmentVariables.value(name)
            return value.flatMap { $0.isEmpty ? nil : $0 }
        }
        access.proxies.http = variable("HTTP_PROXY")
        access.proxies.https = variable("HTTPS_PROXY")
        access.proxies.except = (variable("NO_PROXY") ?? "").split(separator: ",").map {
            String($0.filter { $0 != " " }).lowercased()
        }
        return access
    }

    static var home: String { EnvironmentVariables.value("HOME") ?? "/root" }

    /// A document of the caller's; a file that is not there is nil, one that cannot be read is said once.
    static func document<Document: Decodable>(_ path: String) -> Document? {
        guard let bytes = try? FileIO.read(path, limit: 4 << 20) else { return nil }
        if let document = try? JSONDecoder().decode(Document.self, from: Data(bytes)) { return document }
        Console.shared.warn("\(path) is not the JSON it should be, and is ignored")
        return nil
    }
}

/// Mirrors and insecure registries: our own file first, then the engine's that the caller may come from.
struct RegistrySettings {
    private struct Own: Decodable {
        struct Host: Decodable { var mirrors: [String]?; var insecure: Bool? }
        var registries: [String: Host]?
    }
    private struct Daemon: Decodable {
        enum CodingKeys: String, CodingKey {
            case mirrors = "registry-mirrors"
            case insecure = "insecure-registries"
        }
        var mirrors: [String]?
        var insecure: [String]?
    }

    private let own: [Own]
    private let daemon: Daemon?

    init() {
        let places = [
            EnvironmentVariables.value("BERTH_REGISTRIES"), "\(RegistryFiles.home)/.config/berth/registries.json",
            "/etc/berth/registries.json",
        ]
        own = places.compactMap { $0 }.compactMap { RegistryFiles.document($0) }
        daemon = RegistryFiles.document("/etc/docker/daemon.json")
    }

    func host(_ domain: String) -> RegistryAccess.Host {
        var host = RegistryAccess.Host()
        let settings = own.compactMap { $0.registries?[domain] }
        host.mirrors =
            settings.first { $0.mirrors != nil }?.mirrors ?? (domain == "docker.io" ? daemon?.mirrors ?? [] : [])
        host.isInsecure = settings.first { $0.insecure != nil }?.insecure ?? isInsecureForDaemon(domain)
        return host
    }

    /// Names are compared, networks contain addresses.
    private func isInsecureForDaemon(_ domain: String) -> Bool {
        let host = domain.split(separator: ":").first.map(String.init) ?? domain
        return (daemon?.insecure ?? []).contains { entry in
            if entry == domain || entry == host { return true }
            guard entry.contains("/"), let prefix = IPv4Prefix(entry), let address = IPv4Address(host) else {
                return false
            }
            return prefix.contains(address)
        }
    }
}

/// `certs.d/HOST[:PORT]`: `*.crt` to trust, `*.cert` with `*.key` to show.
enum RegistryCertificates {
    static func read(_ domain: String, into host: inout RegistryAccess.Host) {
        let roots = [
            "/etc/docker/certs.d", "/etc/containers/certs.d", "\(RegistryFiles.home)/.config/containers/certs.d",
            "\(RegistryFiles.home)/.config/berth/certs.d", "/etc/berth/certs.d",
        ]
        for directory in roots.map({ "\($0)/\(domain)" }) {
            guard let names = try? Directory.names(directory) else { continue }
            func text(_ name: String) -> String? { try? FileIO.readText("\(directory)/\(name)", limit: 1 << 20) }
            for name in names.sorted() {
                if name.hasSuffix(".crt"), let pem = text(name) { host.authorities.append(pem) }
                if name.hasSuffix(".cert"), let pem = text(name), let key = text(name.dropLast(5) + ".key") {
                    host.clientCertificate = pem
                    host.clientKey = key
                }
            }
        }
    }
}
