// What happened to a container, in the words of docker's events, as text and as JSON (schemas/events.schema.json).
import BerthModel

struct EventLine {
    let action: String
    let event: Event

    /// One of our events is one, two or none of docker's: a stop by hand is the end of the process and the stop.
    static func lines(_ event: Event) -> [EventLine] {
        guard event.kind == .container else { return [] }
        let actions: [String] =
            switch event.status {
            case .created: ["create"]
            case .started: ["start"]
            case .exited, .died, .restarting: ["die"]
            case .stopped: ["die", "stop"]
            case .killing: ["kill"]
            case .paused: ["pause"]
            case .unpaused: ["unpause"]
            case .healthy: ["health_status: healthy"]
            case .unhealthy: ["health_status: unhealthy"]
            case .oom: ["oom"]
            case .removed: ["destroy"]
            default: []
            }
        return actions.map { EventLine(action: $0, event: event) }
    }

    private var attributes: [(String, String)] {
        var all: [(String, String)] = []
        if action == "die", let code = event.exitCode { all.append(("exitCode", "\(code)")) }
        if let image = event.image { all.append(("image", image)) }
        return all + [("name", event.name)]
    }

    var json: String {
        JSONText.object([
            ("time", .string("\(event.time)")), ("type", .string("container")),
            ("service", .string(event.service ?? "")), ("id", .string(event.containerID?.text ?? "")),
            ("action", .string(action)),
            ("attributes", .object(attributes.map { ($0.0, .string($0.1)) })),
        ]).text
    }

    var text: String {
        let list = attributes.map { "\($0.0)=\(Console.safe($0.1))" }.joined(separator: ", ")
        return "\(event.time) container \(action) \(event.containerID?.text ?? "") (\(list))"
    }
}
