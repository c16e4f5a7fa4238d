// What a stage has come to: its tree, its configuration, its history, and the key of what led there.
import BerthModel

package struct StageState: Sendable {
    /// The uppermost layer; nil: `scratch`.
    var top: BuildLayer?
    /// Of everything that made the tree.
    var key: Digest
    var execution: ImageConfig.Execution
    var author: String?
    var platform: Platform
    var history: [ImageConfig.History] = []
    /// Instructions that run in the stage that is built upon this one.
    var onbuild: [String] = []
    var arguments = BuildArguments()
    /// `CMD` was given in this stage or one that it is built upon, after the base image.
    var setsCommand = false
    /// When the last thing was done that the cache knows of; RFC 3339.
    var created: String?

    var environment: [String] {
        get { execution.Env ?? [] }
        set { execution.Env = newValue }
    }

    /// Of commands, and of relative destinations.
    var workingDirectory: String {
        guard let path = execution.WorkingDir, !path.isEmpty else { return "/" }
        return path
    }

    var shell: [String] { execution.Shell ?? ["/bin/sh", "-c"] }

    /// What a word of the stage means: the environment is stronger than arguments.
    func value(_ name: String) -> String? { EnvironmentList.value(environment, name) ?? arguments[name] }

    /// `created_by` in the form that docker's history has.
    mutating func record(_ text: String, isEmpty: Bool) {
        var entry = ImageConfig.History()
        entry.created = created
        entry.created_by = text
        entry.comment = "buildkit.dockerfile.v0"
        if isEmpty { entry.empty_layer = true }
        history.append(entry)
    }
}
