// `env explain`: where the values of variables come from, and what they overrode.
import ArgumentParser
import BerthLoader
import BerthModel

struct Env: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Explain variables of the stack file and of its containers", subcommands: [Explain.self],
        defaultSubcommand: Explain.self)

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show where the value of a variable comes from",
            discussion: """
                Examples:
                  berth env explain TAG     TAG in the stack file, and in each service's containers
                  berth env explain         every variable that the files refer to or set
                """)
        @Argument(help: "Variables; none: all") var names: [String] = []

        func run() async throws {
            var options = StackContext.options()
            options.tracesEnvironment = true
            let loader = StackLoader(files: DiskFiles())
            let result = loader.load(options)
            StackContext.show(result.diagnostics, warnings: false)
            guard result.model != nil else { throw ExitCode(1) }
            let referred = loader.variables(options).map(\.name)
            let set = Set(result.environment.containers.values.flatMap(\.keys))
            let wanted = names.isEmpty ? Set(referred).union(set).sorted() : names
            for name in wanted { Console.shared.outRaw(text(name, isReferred: referred.contains(name), result)) }
        }

        private func text(_ name: String, isReferred: Bool, _ result: LoadResult) -> String {
            var text = ""
            let origins = result.environment.origins[name] ?? []
            if !origins.isEmpty && (isReferred || names.contains(name)) {
                text += lines("\(name) in the stack file", origins)
            } else if isReferred {
                text += "\(name) in the stack file: not set\n"
            }
            for service in result.environment.containers.keys.sorted() {
                guard let values = result.environment.containers[service]?[name] else { continue }
                text += lines("\(name) in \(service)", values)
            }
            return text.isEmpty ? "\(name): not set, and nothing refers to it\n" : text
        }

        private func lines(_ title: String, _ origins: [ResolvedEnvironment.Origin]) -> String {
            func place(_ origin: ResolvedEnvironment.Origin) -> String {
                guard let place = origin.place else { return "your environment" }
                return place.column > 1 ? "\(place)" : "\(place.file):\(place.line)"
            }
            guard let first = origins.first else { return "" }
            var text = "\(title) = \(Console.safe(first.value))\n  from \(place(first))\n"
            for other in origins.dropFirst() {
                text += "  instead of \(Console.safe(other.value)) from \(place(other))\n"
            }
            return text
        }
    }
}
