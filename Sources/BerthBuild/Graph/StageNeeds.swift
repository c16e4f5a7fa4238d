// What a stage names before anything of it is expanded.

enum StageNeeds {
    /// Names behind `FROM`, `--from=` and `from=` of mounts. A base with a variable in it is found when it is reached.
    static func names(of stage: DockerfileStage) -> Set<String> {
        var names: Set<String> = [stage.base]
        for instruction in stage.instructions {
            switch instruction.kind {
            case .copy(let copy): if let from = copy.from { names.insert(from) }
            case .run(let run):
                for text in run.mounts {
                    if let from = RunMount.from(text) { names.insert(from) }
                }
            default: break
            }
        }
        return names.filter { !$0.contains("$") && !$0.isEmpty }
    }
}
