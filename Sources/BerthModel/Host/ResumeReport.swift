// What became of the stacks that were to come back after a boot.

package struct ResumeReport: Codable, Sendable, Equatable {
    package struct Stack: Codable, Sendable, Equatable {
        package var name: String
        package var services: [String]
        /// Nil: all of it came back.
        package var error: BerthError?
        package init(name: String, services: [String], error: BerthError? = nil) {
            self.name = name
            self.services = services
            self.error = error
        }
    }

    package var stacks: [Stack]
    package init(stacks: [Stack] = []) { self.stacks = stacks }
}
