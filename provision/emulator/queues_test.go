package emulator

import "testing"

func TestQueues(t *testing.T) {
	c := open(t, Options{Now: newClock().now})
	c.run([]step{
		{method: "POST", path: "A/queues", body: `{"queue_name":"q1","settings":{"delivery_delay":5}}`, keep: map[string]string{"q": "queue_id"},
			want: map[string]any{"queue_name": "q1", "settings.delivery_delay": 5, "settings.delivery_paused": false, "settings.message_retention_period": 345600,
				"producers": []any{}, "consumers": []any{}, "consumers_total_count": 0, "created_on": "2026-11-23T12:00:00.000000Z"}},
		{name: "duplicate", method: "POST", path: "A/queues", body: `{"queue_name":"q1"}`, status: 409, code: 11009},
		{name: "bad name", method: "POST", path: "A/queues", body: `{"queue_name":"Q_"}`, status: 400, code: 11003},
		{name: "no name", method: "POST", path: "A/queues", body: `{}`, status: 400, code: 11003},
		{name: "bad settings", method: "POST", path: "A/queues", body: `{"queue_name":"q9","settings":{"message_retention_period":1}}`, status: 400, code: 10026},
		{method: "POST", path: "A/queues", body: `{"queue_name":"q2"}`},
		{name: "by names", method: "GET", path: "A/queues?name=q2&name=q1&name=q2&page=1", want: map[string]any{"0.queue_name": "q1", "1.queue_name": "q2", "2": nil}},
		{name: "by an absent name", method: "GET", path: "A/queues?name=q", want: map[string]any{"": nil}},
		{method: "GET", path: "A/queues/{q}", want: map[string]any{"queue_name": "q1"}},
		{name: "malformed id", method: "GET", path: "A/queues/q1", status: 400, code: 10107},
		{name: "missing", method: "GET", path: "A/queues/00000000000000000000000000000000", status: 404, code: 11000},
		{name: "partial", method: "PATCH", path: "A/queues/{q}", body: `{"settings":{"delivery_paused":true}}`, want: map[string]any{"settings.delivery_delay": 5, "settings.delivery_paused": true}},
		{name: "full", method: "PUT", path: "A/queues/{q}", body: `{"queue_name":"q3"}`, want: map[string]any{"queue_name": "q3", "settings.delivery_delay": 0, "settings.delivery_paused": false}},
		{name: "another's name", method: "PATCH", path: "A/queues/{q}", body: `{"queue_name":"q2"}`, status: 409, code: 11009},
		{method: "DELETE", path: "A/queues/{q}"},
		{name: "gone", method: "DELETE", path: "A/queues/{q}", status: 404, code: 11000},
	})
}

func TestConsumers(t *testing.T) {
	c := open(t, Options{})
	c.script("w")
	c.script("other")
	body, kind := form(t, map[string]any{"main_module": "index.js"}, "export default { fetch() {} }")
	c.must("PUT", "A/workers/scripts/no-handler", body, "Content-Type", kind)
	q := "A/queues/" + c.must("POST", "A/queues", `{"queue_name":"q"}`).text("queue_id")
	k := q + "/consumers"
	c.run([]step{
		{name: "no type", method: "POST", path: k, body: `{}`, status: 400, code: 10026},
		{name: "no such script", method: "POST", path: k, body: `{"type":"worker","script_name":"nope"}`, status: 404, code: 10007},
		{name: "no queue handler", method: "POST", path: k, body: `{"type":"worker","script_name":"no-handler"}`, status: 400, code: 11001},
		{name: "too large", method: "POST", path: k, body: `{"type":"worker","script_name":"w","settings":{"batch_size":101}}`, status: 400, code: 10026},
		{method: "POST", path: k, body: `{"type":"worker","script_name":"w","dead_letter_queue":"dlq","settings":{"batch_size":5}}`, keep: map[string]string{"c": "consumer_id"},
			want: map[string]any{"script_name": "w", "type": "worker", "queue_name": "q", "dead_letter_queue": "dlq", "settings.batch_size": 5,
				"settings.max_retries": 3, "settings.max_wait_time_ms": 5000, "settings.retry_delay": 0, "settings.max_concurrency": nil}},
		{name: "only one", method: "POST", path: k, body: `{"type":"worker","script_name":"other"}`, status: 400, code: 11004},
		{method: "GET", path: k, want: map[string]any{"0.script": "w", "0.script_name": nil, "1": nil}},
		{method: "GET", path: k + "/{c}", want: map[string]any{"script": "w"}},
		{name: "in the queue", method: "GET", path: q, want: map[string]any{"consumers_total_count": 1, "consumers.0.script_name": "w", "consumers.0.script": "w"}},
		{name: "PUT ignores the script", method: "PUT", path: k + "/{c}", body: `{"type":"worker","script_name":"other","settings":{"max_retries":7}}`,
			want: map[string]any{"script_name": "w", "settings.max_retries": 7, "settings.batch_size": 10, "dead_letter_queue": nil}},
		{name: "missing", method: "GET", path: k + "/00000000000000000000000000000000", status: 404, code: 11006},
		{name: "the script is needed", method: "DELETE", path: "A/workers/scripts/w?force=true", status: 400, code: 10064},
		{method: "DELETE", path: k + "/{c}"},
		{name: "gone", method: "DELETE", path: k + "/{c}", status: 404, code: 11006},
		{name: "now it can go", method: "DELETE", path: "A/workers/scripts/w"},
	})
}

func TestProducers(t *testing.T) {
	c := open(t, Options{})
	q := "A/queues/" + c.must("POST", "A/queues", `{"queue_name":"q"}`).text("queue_id")
	bound := map[string]any{"bindings": []any{map[string]string{"type": "queue", "name": "Q", "queue_name": "q"}}}
	if g := c.upload("w", bound); g.Status != 200 {
		t.Fatal(g.Raw)
	}
	c.run([]step{
		{method: "GET", path: q, want: map[string]any{"producers.0.script_name": "w", "producers.0.type": "worker", "producers_total_count": 1}},
		{name: "bound", method: "DELETE", path: q, status: 400, code: 11005},
		{method: "DELETE", path: "A/workers/scripts/w"},
		{name: "free", method: "DELETE", path: q},
	})
}

func TestMessages(t *testing.T) {
	k := newClock()
	c := open(t, Options{Now: k.now})
	q := "A/queues/" + c.must("POST", "A/queues", `{"queue_name":"q"}`).text("queue_id")
	c.run([]step{
		{method: "POST", path: q + "/messages", body: `{"body":"hello"}`, want: map[string]any{"metadata.metrics.backlog_count": 1, "metadata.metrics.backlog_bytes": 5}},
		{method: "POST", path: q + "/messages/batch", body: `{"messages":[{"body":{"a":1},"content_type":"json"},{"body":"late","delay_seconds":60}]}`},
		{name: "text must be text", method: "POST", path: q + "/messages", body: `{"body":{"a":1}}`, status: 400, code: 10207},
		{method: "GET", path: q + "/metrics", want: map[string]any{"backlog_count": 3, "oldest_message_timestamp_ms": 1795435200000.}},
		{name: "peek", method: "POST", path: q + "/messages/peek", body: `{"batch_size":1}`, want: map[string]any{"messages.0.body": "hello", "messages.1": nil}},
		{name: "no http_pull", method: "POST", path: q + "/messages/pull", body: `{}`, status: 400, code: 0},
		{method: "POST", path: q + "/consumers", body: `{"type":"http_pull","settings":{}}`, want: map[string]any{"settings.visibility_timeout_ms": 30000, "settings.max_wait_time_ms": nil}},
		{name: "pull", method: "POST", path: q + "/messages/pull", body: `{"batch_size":10}`, keep: map[string]string{"l0": "messages.0.lease_id", "l1": "messages.1.lease_id"},
			want: map[string]any{"messages.0.body": "hello", "messages.0.attempts": 1, "messages.1.body": "eyJhIjoxfQ==", "messages.2": nil, "message_backlog_count": 3}},
		{name: "leased", method: "POST", path: q + "/messages/pull", body: `{}`, want: map[string]any{"messages": []any{}}},
		{name: "ack and retry", method: "POST", path: q + "/messages/ack", body: `{"acks":[{"lease_id":"{l0}"}],"retries":[{"lease_id":"{l1}"},{"lease_id":"x"}]}`,
			want: map[string]any{"ackCount": 1, "retryCount": 1, "warnings.x": "unknown lease"}},
		{name: "again", method: "POST", path: q + "/messages/pull", body: `{}`, want: map[string]any{"messages.0.attempts": 2, "messages.1": nil}},
		{name: "purge needs consent", method: "POST", path: q + "/purge", body: `{}`, status: 400, code: 10026},
		{method: "POST", path: q + "/purge", body: `{"delete_messages_permanently":true}`},
		{method: "GET", path: q + "/purge", want: map[string]any{"completed": "true", "started_at": "2026-11-23T12:00:00.000000Z"}},
		{method: "GET", path: q + "/metrics", want: map[string]any{"backlog_count": 0}},
	})
}
