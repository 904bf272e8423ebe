//! What Steward says about itself: logs, traces, metrics.

use std::{fmt, io::IsTerminal, str::FromStr};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::{Instrument as _, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Text for people on a terminal, JSON elsewhere.
    #[default]
    Auto,
    Human,
    Json,
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Human => "human",
            Self::Json => "json",
        })
    }
}

/// The variable that says where traces go; without it there are none.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The telemetry of the whole process. When it is dropped, the remaining traces are sent.
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Begins logging to standard error. What is logged is said by `STEWARD_LOG`, else by `RUST_LOG`, else by
    /// `default_level`.
    ///
    /// # Errors
    /// The filter isn't one, or the exporter can't be made.
    pub fn start(format: LogFormat, default_level: &str) -> anyhow::Result<Self> {
        let said = ["STEWARD_LOG", "RUST_LOG"].into_iter().find_map(|name| Some((name, std::env::var(name).ok()?)));
        let filter = match said.filter(|(_, text)| !text.is_empty()) {
            Some((name, text)) => EnvFilter::from_str(&text).map_err(|e| {
                anyhow::anyhow!("{name}: found {text:?}, expected a filter such as \"info\" or \"steward=debug\": {e}")
            })?,
            // The store of states tells of its own housekeeping.
            None => EnvFilter::new(format!("{default_level},fjall=warn,lsm_tree=warn")),
        };
        let json = match format {
            LogFormat::Auto => !std::io::stderr().is_terminal(),
            LogFormat::Human => false,
            LogFormat::Json => true,
        };
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let lines = if json {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        } else {
            lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).boxed()
        };
        let traces = traces_are_on().then(exporter).transpose()?;
        let spans = traces.as_ref().map(|traces| tracing_opentelemetry::layer().with_tracer(traces.tracer("steward")));
        tracing_subscriber::registry().with(filter).with(lines).with(spans).try_init()?;
        Ok(Self { traces })
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(traces) = &self.traces
            && let Err(problem) = traces.shutdown()
        {
            tracing::warn!(%problem, "the last traces were not sent");
        }
    }
}

/// Exports traces by OTLP over HTTP. Everything but the presence of the endpoint is read from the standard `OTEL_…`
/// variables.
fn exporter() -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let mut resource = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("steward");
    }
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build())
}

/// Makes a span of each request, in the caller's trace if the request names one; only if traces are sent somewhere.
pub fn traced(router: axum::Router) -> axum::Router {
    if !traces_are_on() {
        return router;
    }
    router.layer(axum::middleware::from_fn(in_span))
}

/// Runs a request in a span of its caller's trace. Events that it records carry the span on, because the request's
/// headers name it.
async fn in_span(mut request: axum::extract::Request, next: axum::middleware::Next) -> axum::response::Response {
    // The path only names channels and ids, while the query may hold what people wrote.
    let span = info_span!("request", method = %request.method(), path = request.uri().path());
    let headers = request.headers_mut();
    opentelemetry::global::get_text_map_propagator(|propagator| {
        let _ = span.set_parent(propagator.extract(&Headers(headers)));
        propagator.inject_context(&span.context(), &mut HeadersMut(headers));
    });
    next.run(request).instrument(span).await
}

fn traces_are_on() -> bool {
    std::env::var(ENDPOINT).is_ok_and(|url| !url.is_empty())
}

/// Headers, for OpenTelemetry to write to.
struct HeadersMut<'a>(&'a mut axum::http::HeaderMap);

impl opentelemetry::propagation::Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (axum::http::HeaderName::try_from(key), value.try_into()) {
            self.0.insert(name, value);
        }
    }
}

/// Headers, for OpenTelemetry to read from.
struct Headers<'a>(&'a axum::http::HeaderMap);

impl opentelemetry::propagation::Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}

/// The upper bounds of histograms, in seconds: from half a millisecond to a minute.
const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

/// Installs this process's recorder of metrics. Whoever holds the returned handle renders the metrics, and has to call
/// `run_upkeep` from time to time.
pub fn metrics() -> anyhow::Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| anyhow::anyhow!("the metrics' recorder was set twice"))?;
    Ok(handle)
}
