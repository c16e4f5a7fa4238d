// Logins as docker, podman and their helpers keep them.
import BerthLinux
import BerthModel
import FoundationEssentials

struct LoginFiles {
    /// `config.json` and `auth.json`.
    struct File: Codable {
        struct Entry: Codable {
            var auth: String?
            var username: String?
            var password: String?
            var identitytoken: String?
            var registrytoken: String?
        }
        var auths: [String: Entry]?
        var credsStore: String?
        var credHelpers: [String: String]?
    }

    private let files: [File]

    /// In the order in which they are asked.
    static var paths: [String] {
        let home = RegistryFiles.home
        let runtime = EnvironmentVariables.value("XDG_RUNTIME_DIR").map { "\($0)/containers/auth.json" }
        return [
            EnvironmentVariables.value("BERTH_AUTH_FILE"), EnvironmentVariables.value("REGISTRY_AUTH_FILE"), own,
            runtime,
            "\(home)/.config/containers/auth.json",
        ].compactMap { $0 }
    }

    /// The one that `berth login` writes: docker's.
    static var own: String {
        "\(EnvironmentVariables.value("DOCKER_CONFIG") ?? "\(RegistryFiles.home)/.docker")/config.json"
    }

    init() {
        var files = LoginFiles.paths.compactMap { RegistryFiles.document($0) as File? }
        if let text = EnvironmentVariables.value("DOCKER_AUTH_CONFIG"),
            let file = try? JSONDecoder().decode(File.self, from: Data(text.utf8))
        {
            files.insert(file, at: 0)
        }
        self.files = files
    }

    /// The name under which docker keeps a registry's login.
    static func key(_ domain: String) -> String { domain == "docker.io" ? "https://index.docker.io/v1/" : domain }

    func login(for domain: String, runsHelpers: Bool) -> RegistryAccess.Login? {
        for file in files {
            let key = LoginFiles.key(domain)
            if let helper = file.credHelpers?[key] ?? file.credHelpers?[domain] ?? file.credsStore, runsHelpers,
                let login = CredentialProgram(helper).get(key)
            {
                return login
            }
            let entries = file.auths ?? [:]
            let entry = entries[key] ?? entries[domain] ?? entries.first { LoginFiles.host($0.key) == domain }?.value
            if let login = entry.flatMap(LoginFiles.login) { return login }
        }
        return nil
    }

    /// True where a login would take running a program.
    func needsHelper(for domain: String) -> Bool {
        files.contains {
            $0.credsStore != nil || $0.credHelpers?[LoginFiles.key(domain)] != nil
                || $0.credHelpers?[domain] != nil
        }
    }

    /// Old files have `https://HOST/v1/`.
    private static func host(_ key: String) -> String {
        var rest = Substring(key)
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        return String(rest.prefix { $0 != "/" })
    }

    private static func login(_ entry: File.Entry) -> RegistryAccess.Login? {
        if let token = entry.registrytoken, !token.isEmpty { return .registryToken(token) }
        if let token = entry.identitytoken, !token.isEmpty { return .identityToken(token) }
        if let text = entry.auth, let data = Data(base64Encoded: text) {
            let parts = String(decoding: data, as: UTF8.self).split(
                separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 {
                return .password(user: String(parts[0]), secret: String(parts[1].prefix { $0 != "\0" }))
            }
        }
        if let user = entry.username, let secret = entry.password { return .password(user: user, secret: secret) }
        return nil
    }
}

/// `docker-credential-NAME` (docker-credential-helpers): a program of the caller's that keeps passwords.
struct CredentialProgram {
    private let name: String
    private struct Answer: Decodable { var Username: String; var Secret: String }

    init(_ name: String) { self.name = name }

    /// Nil where it has none, and where the program is not there: images that need no login can be pulled all the same.
    func get(_ server: String) -> RegistryAccess.Login? {
        guard let (code, output) = run("get", server), code == 0,
            let answer = try? JSONDecoder().decode(Answer.self, from: Data(output)), !answer.Secret.isEmpty
        else { return nil }
        return answer.Username == "<token>"
            ? .identityToken(answer.Secret) : .password(user: answer.Username, secret: answer.Secret)
    }

    /// Nil: the program is not there.
    func run(_ verb: String, _ input: String) -> (code: Int32, output: [UInt8])? {
        guard name.utf8.allSatisfy({ NameRules.isAlphanumeric($0) || [0x2D, 0x2E, 0x5F].contains($0) }) else {
            return nil
        }
        let program = "docker-credential-\(name)"
        let folders = (EnvironmentVariables.value("PATH") ?? "").split(separator: ":").map(String.init)
        guard let path = folders.map({ "\($0)/\(program)" }).first(where: { (try? FileStatus.of($0)) != nil }) else {
            return nil
        }
        do {
            let given = try FileIO.sealedMemory("berth-credential", Array(input.utf8))
            let pipe = try Process.pipe()
            let null = try Directory.open("/dev/null", flags: FileFlags.readWrite)
            let environment = EnvironmentVariables.all.map { "\($0.key)=\($0.value)" }.sorted()
            let processID = try Process.spawn(
                path, [program, verb], environment: environment,
                descriptors: [given.number, pipe.write.number, null.number])
            pipe.write.closeEarly()
            let output = try FileIO.read(number: pipe.read.number, limit: 1 << 20)
            return (try Process.wait(processID), output)
        } catch {
            return nil
        }
    }
}
