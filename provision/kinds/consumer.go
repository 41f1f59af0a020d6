package kinds

import (
	"context"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/queues"
)

// consumerSettings are those of the resource that a queue's "consumer" stands
// for. Its real name is who consumes; which queue, its reference says.
type consumerSettings struct {
	Type            string `json:"type"`
	Worker          string `json:"worker,omitempty"`            // real name
	DeadLetterQueue string `json:"dead_letter_queue,omitempty"` // real name
	Queue           string `json:"queue"`                       // real name, for wrangler.jsonc
	consumerTuning
}

type consumerTuning struct {
	BatchSize           *int `json:"batch_size,omitempty"`
	MaxRetries          *int `json:"max_retries,omitempty"`
	MaxWaitTimeMs       *int `json:"max_wait_time_ms,omitempty"`
	MaxConcurrency      *int `json:"max_concurrency,omitempty"`
	RetryDelay          *int `json:"retry_delay,omitempty"`
	VisibilityTimeoutMs *int `json:"visibility_timeout_ms,omitempty"`
}

var consumerLocal = []string{"queue"}

var _ = register(kind[consumerSettings]{
	name:       "consumer",
	of:         "queue",
	permission: "Queues Write",
	page:       "{account}/workers/queues/view/{id}",
	local:      consumerLocal,
	// The API takes an update with another script and silently keeps the old one.
	replace:  []string{provision.NameSetting, "type", "worker"},
	defaults: map[string]any{"dead_letter_queue": "", "max_concurrency": nil, "batch_size": 10, "max_retries": 3, "max_wait_time_ms": 5000, "retry_delay": 0, "visibility_timeout_ms": 30000},
	settles:  []int{11000, 10007, 10105},
	calls:    func(provision.Action, []provision.Change) int { return 1 },
	read: func(ctx context.Context, c *Client, w wanted[consumerSettings]) (o provision.Observed, err error) {
		var id string
		name := w.S.Queue
		for k, e := range w.Refs {
			if k.Kind == "queue" && k.Name == w.Key.Name {
				id, name = e.ID, e.Name
			}
		}
		q, err := c.queue(ctx, id, name)
		if err != nil {
			return o, err
		}
		for _, have := range q.Consumers {
			// A queue has one consumer that is a Worker, and a deploy may make it
			// anew: it is known by whose it is, not by its id.
			if have.Type != w.S.Type {
				continue
			}
			if o = have.observed(q.ID); o.Name != w.Name && w.ID == "" {
				o.Created = time.Unix(0, 0) // whoever made it, no intent of this name did
			}
			return o, nil
		}
		return o, nil
	},
	create: func(ctx context.Context, c *Client, s step[consumerSettings]) (made[consumerSettings], error) {
		var e envelope[consumerAnswer]
		queue, _ := s.ref("queue")
		_, err := queues.NewConsumerService(c.options...).New(ctx, queue.ID, inAccount[queues.ConsumerNewParams](c), body(wireConsumer(s.S)), into(&e))
		if codeIs(err, 11004) {
			return made[consumerSettings]{}, exists(err)
		}
		if e.Result.ConsumerID != "" {
			e.Result.ConsumerID = queue.ID + "/" + e.Result.ConsumerID
		}
		return madeAs[consumerSettings](e.Result.ConsumerID, "", err)
	},
	update: func(ctx context.Context, c *Client, s step[consumerSettings]) error {
		var e envelope[any]
		wire := wireConsumer(s.S)
		for _, change := range s.Step.Changes {
			// A setting that is left out again goes back to its default; leaving
			// it out of the request would keep it.
			if _, set := wire.Settings[change.Setting]; !set && change.Setting != "dead_letter_queue" {
				wire.Settings[change.Setting] = change.New
			}
		}
		queueID, consumerID, _ := strings.Cut(s.ID, "/")
		_, err := queues.NewConsumerService(c.options...).Update(ctx, queueID, consumerID, inAccount[queues.ConsumerUpdateParams](c), body(wire), into(&e))
		return err
	},
	delete: func(ctx context.Context, c *Client, s step[consumerSettings]) error {
		queueID, consumerID, _ := strings.Cut(s.ID, "/")
		var e envelope[any]
		_, err := queues.NewConsumerService(c.options...).Delete(ctx, queueID, consumerID, inAccount[queues.ConsumerDeleteParams](c), into(&e))
		return unlessGone(err, 11006, 10105, 10013, 11000)
	},
	bind: func(e provision.Entry, s consumerSettings) []provision.Binding {
		if s.Type != "worker" {
			return nil
		}
		var set []provision.BindingField
		add := func(name string, v *int) {
			if v != nil {
				set = append(set, field(name, *v))
			}
		}
		add("max_batch_size", s.BatchSize)
		if s.MaxWaitTimeMs != nil {
			set = append(set, field("max_batch_timeout", seconds(*s.MaxWaitTimeMs))) // wrangler counts in seconds
		}
		add("max_retries", s.MaxRetries)
		add("max_concurrency", s.MaxConcurrency)
		add("retry_delay", s.RetryDelay)
		if s.DeadLetterQueue != "" {
			set = append(set, field("dead_letter_queue", s.DeadLetterQueue))
		}
		return []provision.Binding{{Section: []string{"queues", "consumers"}, Match: field("queue", s.Queue), Set: set}}
	},
})

type wireConsumerBody struct {
	Type            string         `json:"type"`
	ScriptName      string         `json:"script_name,omitempty"`
	DeadLetterQueue string         `json:"dead_letter_queue,omitempty"`
	Settings        map[string]any `json:"settings"`
}

func wireConsumer(s consumerSettings) wireConsumerBody {
	w := wireConsumerBody{Type: s.Type, ScriptName: s.Worker, DeadLetterQueue: s.DeadLetterQueue, Settings: map[string]any{}}
	for name, v := range map[string]*int{
		"batch_size": s.BatchSize, "max_retries": s.MaxRetries, "max_wait_time_ms": s.MaxWaitTimeMs,
		"max_concurrency": s.MaxConcurrency, "retry_delay": s.RetryDelay, "visibility_timeout_ms": s.VisibilityTimeoutMs,
	} {
		if v != nil {
			w.Settings[name] = *v
		}
	}
	return w
}

type consumerAnswer struct {
	ConsumerID      string         `json:"consumer_id"`
	Type            string         `json:"type"`
	Script          string         `json:"script"` // lists say script, writes script_name
	ScriptName      string         `json:"script_name"`
	DeadLetterQueue string         `json:"dead_letter_queue"`
	Created         time.Time      `json:"created_on"`
	Settings        map[string]any `json:"settings"`
}

func (a consumerAnswer) observed(queueID string) provision.Observed {
	script := orDefault(a.ScriptName, a.Script)
	o := provision.Observed{Exists: true, ID: queueID + "/" + a.ConsumerID, Name: orDefault(script, a.Type), Owner: script, Created: a.Created,
		Settings: provision.Settings{"type": a.Type, "dead_letter_queue": a.DeadLetterQueue}}
	if script != "" {
		o.Settings["worker"] = script
	}
	for name, v := range a.Settings {
		o.Settings[name] = v
	}
	if _, reported := a.Settings["max_concurrency"]; !reported {
		o.Settings["max_concurrency"] = nil
	}
	return o
}

// seconds is a number of milliseconds as wrangler writes it.
func seconds(ms int) any {
	if ms%1000 == 0 {
		return ms / 1000
	}
	return float64(ms) / 1000
}
