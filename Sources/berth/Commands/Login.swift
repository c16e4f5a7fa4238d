// `login` and `logout`: where docker keeps logins, so that both have them.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel
import FoundationEssentials

struct Login: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Log in to a registry",
        discussion: """
            Examples:
              berth login                                          docker.io
              berth login -u me --password-stdin example.org < token
            """)
    @Option(name: [.customShort("u"), .customLong("username")], help: "User name") var username: String?
    @Option(name: [.customShort("p"), .customLong("password")], help: .hidden) var password: String?
    @Flag(help: "Read the password from standard input") var passwordStdin = false
    @Argument(help: "Registry; none: docker.io") var registry = "docker.io"

    func validate() throws {
        if password != nil && passwordStdin {
            throw ValidationError("--password and --password-stdin are incompatible")
        }
        if passwordStdin && username == nil { throw ValidationError("Must provide --username with --password-stdin") }
    }

    func run() async throws {
        let name = RegistryName.of(registry)
        if password != nil { Console.shared.warn("Using --password via the CLI is insecure. Use --password-stdin.") }
        let user = try username ?? Login.ask("Username: ", echo: true)
        let secret =
            try password ?? (passwordStdin ? Login.standardInput() : Login.ask("Password: ", echo: false))
        guard !user.isEmpty, !secret.isEmpty else {
            throw BerthError(
                .invalid, "logging in to \(name)", subject: name, cause: "username and password are required")
        }
        var caller = StackContext.caller(pulling: ["\(name)/x"])
        var host = caller.registries.hosts[name] ?? RegistryAccess.Host()
        host.login = .password(user: user, secret: secret)
        caller.registries.hosts[name] = host
        let client = try await AgentConnection.client()
        try await client.checkLogin(ResolveRequest(references: [name], caller: caller))
        let place = try LoginBook().keep(user: user, secret: secret, for: name)
        if let place {
            Console.shared.warn("your password is stored unencrypted in \(place)")
        }
        Console.shared.out("Login Succeeded")
    }

    /// All of standard input but a newline at its end.
    private static func standardInput() throws -> String {
        let bytes = try FileIO.read(number: 0, limit: 1 << 20)
        var text = String(decoding: bytes, as: UTF8.self)
        while text.hasSuffix("\n") || text.hasSuffix("\r") || text.hasSuffix("\r\n") { text.removeLast() }
        return text
    }

    private static func ask(_ question: String, echo: Bool) throws -> String {
        guard Terminal.isTerminal(0) else {
            throw BerthError(
                .invalid, "logging in", cause: "standard input is no terminal",
                hint: "give -u NAME --password-stdin")
        }
        Console.shared.errorRaw(question)
        let silence = echo ? nil : Terminal.withoutEcho(0)
        defer {
            silence?.restore()
            if !echo { Console.shared.errorRaw("\n") }
        }
        return readLine(strippingNewline: true) ?? ""
    }
}

struct Logout: AsyncParsableCommand {
    static let configuration = subcommand(abstract: "Log out of a registry")
    @Argument(help: "Registry; none: docker.io") var registry = "docker.io"

    func run() async throws {
        let name = RegistryName.of(registry)
        guard try LoginBook().forget(name) else {
            Console.shared.out("Not logged in to \(name)")
            return
        }
        Console.shared.out("Removing login credentials for \(name)")
    }
}

enum RegistryName {
    /// The name that references have, of whatever people give: URLs and docker's own included.
    static func of(_ text: String) -> String {
        var rest = Substring(text)
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        let host = String(rest.prefix { $0 != "/" })
        return ["index.docker.io", "registry-1.docker.io", ""].contains(host) ? "docker.io" : host
    }
}
