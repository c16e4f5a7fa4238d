// Gates and `--wait`: when they open, when they fail, and in which words.
import BerthModel
import BerthPlan
import Testing

@Suite("Gates")
struct GateTests {
    static func member(_ name: String, mayComplete: Bool = false) -> GateMember {
        let id = ContainerID(randomBytes: Array(repeating: UInt8(name.utf8.count), count: 32))
        var member = GateMember(name: "demo-\(name)-1", service: name, target: .existing(id))
        member.mayComplete = mayComplete
        return member
    }

    static func seen(
        _ state: ContainerStatus.State, _ health: ContainerStatus.Health = .none, exit: Int32 = 0, probed: Bool = true,
        output: String? = nil
    ) -> GateObservation {
        var status = ContainerStatus(state: state, health: health)
        status.exitCode = exit
        if let output { status.probes = [ProbeResult(start: .never, end: .never, exitCode: 1, output: output)] }
        return GateObservation(status, hasHealthcheck: probed)
    }

    struct Case: Sendable {
        var condition: Dependency.Condition
        var observation: GateObservation
        /// Nil: satisfied. Empty: waiting. Else the error.
        var error: String?
    }

    @Test(
        "one container",
        arguments: [
            Case(condition: .started, observation: seen(.created), error: ""),
            Case(condition: .started, observation: seen(.running), error: nil),
            Case(condition: .started, observation: seen(.exited, exit: 1), error: nil),
            Case(condition: .healthy, observation: seen(.created), error: ""),
            Case(condition: .healthy, observation: seen(.running, .starting), error: ""),
            Case(condition: .healthy, observation: seen(.running, .healthy), error: nil),
            Case(condition: .healthy, observation: seen(.restarting, .starting), error: ""),
            Case(
                condition: .healthy, observation: seen(.running, .unhealthy),
                error: "dependency failed to start: container demo-db-1 is unhealthy"),
            Case(
                condition: .healthy, observation: seen(.exited, .starting, exit: 3),
                error: "dependency failed to start: container demo-db-1 exited (3)"),
            Case(
                condition: .healthy, observation: seen(.running, probed: false),
                error: "dependency failed to start: container demo-db-1 has no healthcheck configured"),
            Case(condition: .completedSuccessfully, observation: seen(.running), error: ""),
            Case(condition: .completedSuccessfully, observation: seen(.restarting, exit: 1), error: ""),
            Case(condition: .completedSuccessfully, observation: seen(.exited), error: nil),
            Case(
                condition: .completedSuccessfully, observation: seen(.exited, exit: 2),
                error: "service \"db\" didn't complete successfully: exit 2"),
        ])
    func conditions(_ c: Case) {
        var gate = DependencyGate(c.condition, [Self.member("db")])
        #expect(gate.verdict == .waiting)
        gate.observe("demo-db-1", c.observation)
        switch gate.verdict {
        case .satisfied: #expect(c.error == nil)
        case .waiting: #expect(c.error == "")
        case .failed(let error): #expect(error.description == c.error)
        }
    }

    @Test("every member counts; what is removed fails")
    func members() {
        var gate = DependencyGate(.healthy, [Self.member("a"), Self.member("bb")])
        gate.observe("demo-a-1", Self.seen(.running, .healthy))
        #expect(gate.verdict == .waiting)
        gate.observe("demo-bb-1", Self.seen(.running, .healthy))
        #expect(gate.verdict == .satisfied)
        gate.remove("demo-a-1")
        guard case .failed(let error) = gate.verdict else { return #expect(Bool(false), "it should have failed") }
        #expect(error.cause == "container demo-a-1 was removed")
        gate.observe("demo-a-1", Self.seen(.running, .healthy))
        #expect(gate.verdict == .satisfied)
    }

    @Test("the failure quotes the last probe")
    func explanation() {
        var gate = DependencyGate(.healthy, [Self.member("db")])
        gate.observe("demo-db-1", Self.seen(.running, .unhealthy, output: "no\nconnection\n"))
        guard case .failed(let error) = gate.verdict else { return #expect(Bool(false), "it should have failed") }
        #expect(error.hint == "its last probe exited 1: no connection")
    }

    @Test("no members: open")
    func empty() { #expect(DependencyGate(.healthy, []).verdict == .satisfied) }

    // MARK: --wait

    static func wait(_ observations: [(GateMember, GateObservation)]) -> WaitGate {
        var gate = WaitGate(observations.map(\.0))
        for (member, observation) in observations { gate.observe(member.name, observation) }
        return gate
    }

    static func message(_ gate: WaitGate) -> String {
        switch gate.verdict {
        case .satisfied: "ready"
        case .waiting: "waiting"
        case .failed(let error): error.description
        }
    }

    @Test("ready is running, or healthy where there is a check")
    func readiness() {
        #expect(Self.message(Self.wait([(Self.member("a"), Self.seen(.running, probed: false))])) == "ready")
        #expect(Self.message(Self.wait([(Self.member("a"), Self.seen(.running, .starting))])) == "waiting")
        #expect(Self.message(Self.wait([(Self.member("a"), Self.seen(.running, .healthy))])) == "ready")
        #expect(Self.message(Self.wait([(Self.member("a"), Self.seen(.created))])) == "waiting")
        #expect(Self.message(WaitGate([])) == "ready")
    }

    @Test("an exit fails, even with 0, unless a dependant waits for it")
    func exits() {
        let exited = Self.seen(.exited)
        #expect(Self.message(Self.wait([(Self.member("a"), exited)])) == "container demo-a-1 exited (0)")
        #expect(Self.message(Self.wait([(Self.member("a", mayComplete: true), exited)])) == "ready")
        #expect(Self.message(Self.wait([(Self.member("a", mayComplete: true), Self.seen(.running))])) == "waiting")
        #expect(
            Self.message(Self.wait([(Self.member("a", mayComplete: true), Self.seen(.exited, exit: 1))]))
                == "container demo-a-1 exited (1)")
    }

    @Test("a failure does not end the wait while others are on their way, and may heal")
    func patience() {
        var gate = Self.wait([
            (Self.member("a"), Self.seen(.running, .unhealthy)), (Self.member("bb"), Self.seen(.running, .starting)),
        ])
        #expect(Self.message(gate) == "waiting")
        gate.observe("demo-bb-1", Self.seen(.running, .healthy))
        #expect(Self.message(gate) == "container demo-a-1 is unhealthy")
        gate.observe("demo-a-1", Self.seen(.running, .healthy))
        #expect(Self.message(gate) == "ready")
    }

    @Test("a timeout says who and why")
    func timeout() {
        let gate = Self.wait([
            (Self.member("a"), Self.seen(.running, .starting, output: "refused")),
            (Self.member("bb"), Self.seen(.exited, exit: 1)), (Self.member("ccc"), Self.seen(.running, .healthy)),
        ])
        let error = gate.timedOut(after: .seconds(30))
        #expect(error.message == "application not healthy after 30s")
        #expect(
            error.cause == "container demo-a-1 is starting, its last probe exited 1: refused; "
                + "container demo-bb-1 exited (1), its output: berth logs bb")
    }
}
