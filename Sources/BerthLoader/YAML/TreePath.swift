// Where a value stands in the tree.

/// A path from the root; sharing its beginning with its siblings, so that walking a tree copies nothing.
final class TreePath: CustomStringConvertible, Sendable {
    private enum Step: Sendable {
        case root
        case key(String)
        case index(Int)
    }

    private let parent: TreePath?
    private let step: Step
    static let root = TreePath(nil, .root)

    private init(_ parent: TreePath?, _ step: Step) {
        self.parent = parent
        self.step = step
    }

    func key(_ name: String) -> TreePath { TreePath(self, .key(name)) }
    func index(_ number: Int) -> TreePath { TreePath(self, .index(number)) }

    /// `services.web.ports[0]`, as compose writes it.
    var description: String {
        switch step {
        case .root: ""
        case .key(let name): parent?.parent == nil ? name : "\(parent?.description ?? "").\(name)"
        case .index(let number): "\(parent?.description ?? "")[\(number)]"
        }
    }

    /// The keys and indexes on the way, for matching against patterns.
    var steps: [String] {
        switch step {
        case .root: []
        case .key(let name): (parent?.steps ?? []) + [name]
        case .index: (parent?.steps ?? []) + ["*"]
        }
    }
}
