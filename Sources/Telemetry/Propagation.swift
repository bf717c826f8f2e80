package import HTTPTypes
internal import Tracing

extension Observability {
    /// Writes the trace into a request: under the span where there is one, else under what is current
    /// in the calling task.
    ///
    /// Fields that the request has are kept. One that has a `traceparent` belongs to a trace that the
    /// caller runs, and is left alone: half of one trace and half of another would be worse.
    package func propagate(_ span: OpenSpan?, in request: inout HTTPRequest) {
        guard let propagator, let context = span?.span.context ?? .current,
            !request.headerFields.contains(where: { $0.name.canonicalName == "traceparent" })
        else { return }
        var fields = HTTPFields()
        propagator.inject(context, into: &fields, using: FieldInjector())
        for field in fields where request.headerFields[field.name] == nil {
            request.headerFields.append(field)
        }
    }
}

private struct FieldInjector: Injector {
    func inject(_ value: String, forKey key: String, into fields: inout HTTPFields) {
        guard let name = HTTPField.Name(key) else { return }
        fields[name] = value
    }
}
