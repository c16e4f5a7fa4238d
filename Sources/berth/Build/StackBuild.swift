// The services of a stack that are built, as targets of one build: what the caller alone can read is read here.
import BerthControl
import BerthLinux
import BerthModel

/// What the command line says beside the file.
struct BuildFlags {
    var arguments: [String] = []
    var noCache = false
    var pulls = false
    /// `default` is the caller's agent.
    var ssh: [String] = []
    var checksOnly = false
    /// False: it may turn out that nothing is built; then nothing is missed that only a build needs.
    var isCertain = true
}

enum StackBuild {
    /// - Parameter services: nil: all that have `build`.
    static func builds(
        of stack: Stack, services: Set<String>? = nil, _ flags: BuildFlags = BuildFlags()
    ) throws -> StackBuilds {
        var builds = StackBuilds()
        var wanted = services ?? Set(stack.services.keys)
        // What is a context of another is built with it.
        var rest = Array(wanted)
        while let name = rest.popLast() {
            for text in stack.services[name]?.build?.contexts.values ?? [:].values where text.hasPrefix("service:") {
                let other = String(text.dropFirst("service:".count))
                if wanted.insert(other).inserted { rest.append(other) }
            }
        }
        for service in stack.sortedServices where service.build != nil && wanted.contains(service.name) {
            builds.targets.append(try target(service, of: stack, flags, &builds.secrets))
        }
        return builds
    }

    /// The services and what they depend on, however far.
    static func withDependencies(_ services: [String], _ stack: Stack) -> Set<String> {
        var all: Set<String> = []
        var rest = services
        while let name = rest.popLast() {
            if !all.insert(name).inserted { continue }
            rest += stack.services[name]?.dependsOn.keys ?? [:].keys
        }
        return all
    }

    private static func target(
        _ service: Service, of stack: Stack, _ flags: BuildFlags, _ secrets: inout [String: [UInt8]]
    ) throws -> BuildTarget {
        let build = service.build ?? BuildDefinition(context: "")
        var target = BuildTarget(name: service.name, context: BuildInput.context(build.context))
        target.dockerfile = build.dockerfile
        target.dockerfileText = build.dockerfileInline
        for (name, value) in build.arguments {
            if let value = value ?? EnvironmentVariables.value(name) { target.arguments[name] = value }
        }
        BuildInput.addEpoch(&target)
        for text in flags.arguments { BuildInput.add(argument: text, to: &target) }
        target.stage = build.target
        target.tags = [stack.imageReference(of: service)] + build.tags
        target.labels = build.labels
        target.labels["com.docker.compose.project"] = stack.name
        target.labels["com.docker.compose.service"] = service.name
        target.labels["com.docker.compose.version"] = BerthVersion.text
        let platform = build.platforms.first ?? service.platform
        target.platform = platform.flatMap { Platform($0) }
        target.noCache = build.noCache || flags.noCache
        target.noCacheStages = build.noCacheStages
        target.pulls = build.pull || flags.pulls
        for (name, text) in build.contexts { target.contexts[name] = try BuildInput.namedContext(name, text) }
        target.network = build.network
        target.extraHosts = build.extraHosts
        target.shmSizeBytes = build.shmSizeBytes
        target.ulimits = build.ulimits
        target.entitlements = Set(build.entitlements)
        if build.privileged { target.entitlements.insert("security.insecure") }
        if build.network == "host" { target.entitlements.insert("network.host") }
        target.checksOnly = flags.checksOnly
        for secret in build.secrets {
            let prefix = "/run/secrets/"
            let id = secret.target.hasPrefix(prefix) ? String(secret.target.dropFirst(prefix.count)) : secret.target
            guard let definition = stack.secrets[secret.source] else { continue }
            let content: [UInt8]
            do { content = try StackContext.content(of: definition, "secret") } catch {
                // The step that needs it says that it was not given.
                if !flags.isCertain { continue }
                throw error
            }
            let digest = SHA256Digest.digest(of: content)
            target.secrets[id] = digest
            secrets["\(digest)"] = content
        }
        for (id, path) in build.ssh { try BuildInput.add(ssh: path.isEmpty ? id : "\(id)=\(path)", to: &target) }
        for text in flags.ssh { try BuildInput.add(ssh: text, to: &target) }
        return target
    }
}

/// Words of a build on the command line and in files.
enum BuildInput {
    /// A directory, or an address.
    static func context(_ text: String) -> BuildContext {
        if text.isEmpty { return .empty }
        if text.contains("://") || text.hasPrefix("git@") || text.hasPrefix("github.com/") { return .remote(text) }
        return .directory(absolute(text))
    }

    static func absolute(_ path: String) -> String {
        let joined = path.hasPrefix("/") ? path : "\(EnvironmentVariables.workingDirectory)/\(path)"
        var parts: [Substring] = []
        for part in joined.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    static func namedContext(_ name: String, _ text: String) throws -> BuildContext {
        if text.hasPrefix("docker-image://") { return .image(String(text.dropFirst(15))) }
        if text.hasPrefix("service:") { return .target(String(text.dropFirst(8))) }
        if text.hasPrefix("target:") { return .target(String(text.dropFirst(7))) }
        if text.hasPrefix("oci-layout://") { return .layout(String(text.dropFirst(13))) }
        if text.isEmpty {
            throw BerthError(
                .invalid, "reading the build context \(name)", subject: name, cause: "it is empty",
                hint: "write NAME=PATH, NAME=docker-image://IMAGE or NAME=service:NAME")
        }
        return context(text)
    }

    /// `NAME=value`, or `NAME` for the value that the caller's environment has.
    static func add(argument text: String, to target: inout BuildTarget) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2 {
            target.arguments[parts[0]] = parts[1]
        } else if let value = EnvironmentVariables.value(parts[0]) {
            target.arguments[parts[0]] = value
        }
    }

    /// A time that the caller's environment asks for, as buildx takes it.
    static func addEpoch(_ target: inout BuildTarget) {
        guard let epoch = EnvironmentVariables.value("SOURCE_DATE_EPOCH"), !epoch.isEmpty else { return }
        if target.arguments["SOURCE_DATE_EPOCH"] == nil { target.arguments["SOURCE_DATE_EPOCH"] = epoch }
    }

    /// `default`, or `ID=SOCKET`.
    static func add(ssh text: String, to target: inout BuildTarget) throws {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let path = parts.count == 2 && !parts[1].isEmpty ? parts[1] : EnvironmentVariables.value("SSH_AUTH_SOCK")
        guard let path, (try? FileStatus.of(path))?.kind == .socket else {
            throw BerthError(
                .notFound, "reading --ssh \(text)", subject: text,
                cause: path.map { "\($0) is no agent's socket" }
                    ?? "invalid empty ssh agent socket: SSH_AUTH_SOCK is not set",
                hint: "start ssh-agent and add the key to it, or name its socket: --ssh \(parts[0])=SOCKET")
        }
        target.sshSockets[parts[0]] = path
    }

    /// `id=ID[,src=FILE]` or `id=ID,env=NAME`.
    static func add(
        secret text: String, to target: inout BuildTarget, _ contents: inout [String: [UInt8]]
    ) throws {
        var values: [String: String] = [:]
        for field in text.split(separator: ",") {
            let parts = field.split(separator: "=", maxSplits: 1).map(String.init)
            values[parts[0].lowercased()] = parts.count == 2 ? parts[1] : ""
        }
        guard let id = values["id"], !id.isEmpty else {
            throw BerthError(
                .invalid, "reading --secret \(text)", subject: text, cause: "it has no id",
                hint: "write id=ID,src=FILE or id=ID,env=NAME")
        }
        let file = values["src"] ?? values["source"]
        let content: [UInt8]
        if let file {
            do { content = try FileIO.read(file, limit: 1 << 20) } catch {
                throw BerthError(.notFound, "reading secret \(id)", subject: file, cause: "\(file): \(error.reason)")
            }
        } else if let value = EnvironmentVariables.value(values["env"] ?? id) {
            content = Array(value.utf8)
        } else {
            throw BerthError(
                .notFound, "reading secret \(id)", subject: id,
                cause: "the environment variable \(values["env"] ?? id) is not set",
                hint: "name a file: --secret id=\(id),src=FILE")
        }
        let digest = SHA256Digest.digest(of: content)
        target.secrets[id] = digest
        contents["\(digest)"] = content
    }
}
