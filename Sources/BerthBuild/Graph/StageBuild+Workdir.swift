// `WORKDIR`: a setting, and a directory where it is missing.
import BerthLinux
import BerthModel

extension StageBuild {
    mutating func takeWorkdir(_ word: String, _ instruction: Instruction) async throws {
        let path = PathText.absolute(try expand(word, instruction), below: state.workingDirectory)
        state.execution.WorkingDir = path
        var key = StepKey("workdir")
        key.add("parent", state.key)
        key.add("path", path)
        let step = planned(instruction, key.digest)
        let top = state.top
        let result = try await session.take(step, above: top) { [self] place in
            try await session.offPool {
                do {
                    let root = try LayerTree.writable(top, upper: place.upper, work: place.work, empty: session.empty)
                    // Not touched where it is there already: then the step makes no layer.
                    if Directory.exists(inRootNumber: root.number, path) { return }
                    _ = try Directory.makeDirectories(inRootNumber: root.number, path)
                } catch {
                    throw failure(instruction.place, "WORKDIR \(path): \(error)")
                }
            }
        }
        adopt(result, step, history: "WORKDIR \(path)")
    }
}
