// What interpolation sees: the caller's environment first, then --env-file or .env; and where each value is from.
import BerthModel

/// Variables with their origins, for interpolation and for `env explain`.
package struct ResolvedEnvironment: Sendable {
    package var values: [String: String]
    /// Every source of a name, the one that holds first.
    package var origins: [String: [Origin]] = [:]

    /// By service and name: where each variable of its containers is from, the one that holds first. Filled only
    /// where it was asked for.
    package var containers: [String: [String: [Origin]]] = [:]

    package struct Origin: Sendable, Equatable {
        package var value: String
        /// Nil: the caller's environment.
        package var place: SourcePlace?
    }

    subscript(name: String) -> String? { values[name] }
}

struct EnvironmentResolver {
    let source: any FileSource
    let remarks: Remarks

    func resolve(_ options: LoadOptions) -> ResolvedEnvironment {
        var result = ResolvedEnvironment(values: options.environment)
        if let given = options.projectDirectory, !given.isEmpty,
            source.isFile(PathText.join(options.workingDirectory, given))
        {
            remarks.error(.none, "", "\(given) is a file", suggestion: "--project-directory names a directory")
        }
        for (key, value) in options.environment { result.origins[key] = [.init(value: value, place: nil)] }
        let named = named(options)
        if !named.isEmpty {
            var values = DotenvValues()
            for path in named {
                do {
                    read(try source.read(path), path, options, &values, below: options.environment)
                } catch {
                    remarks.error(
                        .none, "", "env file \(PathText.display(path, from: options.workingDirectory)) not found",
                        suggestion: "it is named by --env-file or COMPOSE_ENV_FILES")
                }
            }
            add(values, to: &result)
        } else if Cast.boolean(options.environment["COMPOSE_DISABLE_ENV_FILE"] ?? "") != true
            && options.environment["COMPOSE_DISABLE_ENV_FILE"] != "1"
        {
            for directory in directories(options) { addDefault(directory, options, to: &result) }
        }
        return result
    }

    /// Once more, when the project directory is known by files that `.env` named.
    func addDefault(_ directory: String, _ options: LoadOptions, to result: inout ResolvedEnvironment) {
        let path = directory == "/" ? "/.env" : "\(directory)/.env"
        guard source.isFile(path), let bytes = try? source.read(path) else { return }
        var values = DotenvValues()
        read(bytes, path, options, &values, below: result.values)
        add(values, to: &result)
    }

    private func named(_ options: LoadOptions) -> [String] {
        var files = options.environmentFiles
        if files.isEmpty, let list = options.environment["COMPOSE_ENV_FILES"], !list.isEmpty {
            files = list.split(separator: ",").map(String.init)
        }
        return files.map { PathText.join(options.workingDirectory, $0) }
    }

    private func read(
        _ bytes: [UInt8], _ path: String, _ options: LoadOptions, _ values: inout DotenvValues,
        below known: [String: String]
    ) {
        Dotenv(lookup: { known[$0] }, remarks: remarks).parse(
            bytes, file: PathText.display(path, from: options.workingDirectory), into: &values)
    }

    private func add(_ values: DotenvValues, to result: inout ResolvedEnvironment) {
        for (key, value) in values.pairs {
            result.origins[key, default: []].append(.init(value: value, place: values.origins[key]))
            if result.values[key] == nil { result.values[key] = value }
        }
    }

    /// The project directory before any file was read.
    private func directories(_ options: LoadOptions) -> [String] {
        let base = options.workingDirectory
        if let given = options.projectDirectory, !given.isEmpty {
            return [PathText.clean(given.hasPrefix("/") ? given : base + "/" + given)]
        }
        if let first = options.files.first {
            return [first == "-" ? base : PathText.parent(PathText.join(base, first))]
        }
        return [base]
    }
}
