// Words about containers as docker prints them.
import BerthControl
import BerthModel

enum ContainerText {
    /// `Up 5 minutes (healthy)`, `Exited (137) 3 seconds ago (OOM)`.
    static func status(_ document: ContainerDocument, now: Timestamp) -> String {
        let status = document.status
        switch status.state {
        case .running, .paused:
            var text = "Up \(age(now.duration(since: status.started)))"
            if status.state == .paused { return text + " (Paused)" }
            switch status.health {
            case .starting: text += " (health: starting)"
            case .healthy: text += " (healthy)"
            case .unhealthy: text += " (unhealthy)"
            case .none: break
            }
            return text
        case .exited, .dead:
            return "Exited (\(status.exitCode)) \(age(now.duration(since: status.finished))) ago"
                + (status.oomKilled ? " (OOM)" : "")
        case .restarting: return "Restarting (\(status.exitCode)) \(age(now.duration(since: status.finished))) ago"
        case .created: return "Created"
        case .removing: return "Removal In Progress"
        }
    }

    /// Docker's words for a length of time.
    static func age(_ duration: Duration) -> String {
        let seconds = max(0, Int(duration.components.seconds))
        switch seconds {
        case 0: return "Less than a second"
        case 1: return "1 second"
        case ..<60: return "\(seconds) seconds"
        case ..<120: return "About a minute"
        case ..<3600: return "\(seconds / 60) minutes"
        case ..<7200: return "About an hour"
        case ..<172_800: return "\(seconds / 3600) hours"
        case ..<1_209_600: return "\(seconds / 86400) days"
        default: return "\(seconds / 604_800) weeks"
        }
    }

    static func command(_ document: ContainerDocument) -> String {
        let service = document.record.service
        let image = document.record.imageExecution
        let words =
            (service.entrypoint ?? image.Entrypoint ?? [])
            + (service.command ?? (service.entrypoint == nil ? image.Cmd ?? [] : []))
        let text = words.joined(separator: " ")
        return "\"\(text.count > 20 ? text.prefix(19) + "…" : text)\""
    }

    static func ports(_ document: ContainerDocument) -> String {
        guard document.status.isRunning else { return "" }
        let published = document.record.ports.map {
            "\($0.hostAddress):\($0.hostPort)->\($0.containerPort)/\($0.transport.rawValue)"
        }
        let targets = Set(document.record.ports.map { "\($0.containerPort)/\($0.transport.rawValue)" })
        let exposed = document.record.service.expose.flatMap { exposed in
            exposed.ports.map { "\($0)/\(exposed.transport.rawValue)" }
        }
        .filter { !targets.contains($0) }
        return (published + exposed).joined(separator: ", ")
    }

    static func bytes(_ count: Int64) -> String {
        var value = Double(count)
        for unit in ["B", "kB", "MB", "GB", "TB"] {
            if value < 1000 || unit == "TB" {
                let tenths = Int((value * 10).rounded())
                return unit == "B" ? "\(count)B" : "\(tenths / 10).\(tenths % 10)\(unit)"
            }
            value /= 1000
        }
        return "\(count)B"
    }
}
