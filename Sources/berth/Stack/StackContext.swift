// The stack of this command: loaded with its diagnostics shown, its name, the contents of its secrets and configs.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthLoader
import BerthModel

struct StackContext {
    var name: String
    /// Nil where only the name is known (`-p` without a file).
    var stack: Stack?

    static func options(_ services: [String] = []) -> LoadOptions {
        let global = GlobalOptions.current
        var options = LoadOptions(
            workingDirectory: EnvironmentVariables.workingDirectory, environment: EnvironmentVariables.all)
        options.files = global.files
        options.stackName = global.projectName
        options.profiles = global.profile
        options.environmentFiles = global.envFile
        options.projectDirectory = global.projectDirectory
        options.keepsUnusedResources = global.allResources
        options.selectedServices = services
        return options
    }

    /// The stack; every mistake of the file is shown, and ends the command.
    static func load(services: [String] = [], quiet: Bool = false) throws -> Stack {
        let result = StackLoader(files: DiskFiles()).load(options(services))
        show(result.diagnostics + result.hostDiagnostics, warnings: !quiet)
        guard let stack = result.stack else { throw ExitCode(1) }
        for service in services where stack.services[service] == nil {
            throw BerthError(.notFound, "no such service: \(service)", subject: service)
        }
        return stack
    }

    /// `-p NAME` alone needs no file: the stack is what the labels say.
    static func identify(services: [String] = []) throws -> StackContext {
        let global = GlobalOptions.current
        if let name = global.projectName, global.files.isEmpty {
            let result = StackLoader(files: DiskFiles()).load(options())
            return StackContext(name: name, stack: result.stack)
        }
        let stack = try load(services: services, quiet: true)
        return StackContext(name: stack.name, stack: stack)
    }

    static func show(_ diagnostics: [Diagnostic], warnings: Bool) {
        let console = Console.shared
        let view = DiagnosticView(colours: console.colours(console.errorIsTerminal)) { file in
            let path = file.hasPrefix("/") ? file : "\(EnvironmentVariables.workingDirectory)/\(file)"
            return (try? DiskFiles().read(path)).map {
                String(decoding: $0, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(
                    String.init)
            }
        }
        for diagnostic in diagnostics where diagnostic.severity == .error || warnings {
            console.error(view.text(diagnostic, showsSource: console.errorIsTerminal))
        }
    }

    /// What a secret or config holds, read with the caller's rights.
    static func content(of definition: MaterialDefinition, _ what: String) throws -> [UInt8] {
        switch definition.source {
        case .file(let path):
            do { return try FileIO.read(path, limit: 1 << 20) } catch {
                throw BerthError(
                    .notFound, "reading \(what) \(definition.key)", subject: path,
                    cause: "\(path): \(error.reason)", hint: "create the file, or make it readable")
            }
        case .environment(let name):
            guard let value = EnvironmentVariables.all[name] else {
                throw BerthError(
                    .notFound, "reading \(what) \(definition.key)", subject: name,
                    cause: "the environment variable \(name) is not set")
            }
            return Array(value.utf8)
        case .content(let text): return Array(text.utf8)
        case .external: return []
        }
    }

    /// Reads what secrets and configs hold, and puts their digests into the stack.
    static func materials(of stack: inout Stack) throws -> [String: [UInt8]] {
        var contents: [String: [UInt8]] = [:]
        let usedSecrets = Set(stack.services.values.flatMap { $0.secrets.map(\.source) })
        let usedConfigs = Set(stack.services.values.flatMap { $0.configs.map(\.source) })
        for key in usedSecrets {
            guard let definition = stack.secrets[key] else { continue }
            let bytes = try content(of: definition, "secret")
            let digest = SHA256Digest.digest(of: bytes)
            stack.secrets[key]?.digest = digest
            contents[digest.description] = bytes
        }
        for key in usedConfigs {
            guard let definition = stack.configs[key] else { continue }
            let bytes = try content(of: definition, "config")
            let digest = SHA256Digest.digest(of: bytes)
            stack.configs[key]?.digest = digest
            contents[digest.description] = bytes
        }
        return contents
    }

    /// - Parameter references: images that the request may pull.
    static func caller(pulling references: [String]) -> CallerContext {
        var caller = CallerContext(
            workingDirectory: EnvironmentVariables.workingDirectory, home: EnvironmentVariables.value("HOME"),
            userID: Process.effectiveUserID, groupID: 0)
        caller.registries = RegistryFiles.access(for: references)
        return caller
    }

    /// The images that a stack's services name.
    static func references(_ stack: Stack) -> [String] {
        stack.sortedServices.filter { $0.image != nil }.map { stack.imageReference(of: $0) }
    }
}
