package pipeline_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pipeline"
)

// JS-06: every version is kept, and every change is recorded with who made it and the
// hash of what runs.
func TestVersions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		first := w.put(t, pipeline.PreRegister, "f", pass+"// 1")
		second := w.put(t, pipeline.PreRegister, "f", pass+"// 2")
		if first.ID != second.ID || first.Version != 1 || second.Version != 2 || !second.Enabled {
			t.Errorf("%+v then %+v", first, second)
		}
		history, err := w.History(ctx, poolID, "f")
		if err != nil || len(history) != 2 || history[0].Version != 2 || history[1].Author != "ann" {
			t.Fatalf("%+v %v", history, err)
		}
		if old, err := w.Source(ctx, poolID, "f", 1); err != nil || old != pass+"// 1" {
			t.Errorf("%q %v", old, err)
		}
		if _, err := w.Source(ctx, poolID, "f", 3); errs.CodeOf(err) != errs.FunctionNotFound {
			t.Errorf("version 3: %v", err)
		}
		if _, err := w.Get(ctx, otherID, first.ID); errs.CodeOf(err) != errs.FunctionNotFound {
			t.Errorf("another pool finds it: %v", err)
		}
		if err := w.SetEnabled(ctx, poolID, "f", false, "bob"); err != nil {
			t.Fatal(err)
		}
		if w.Active(ctx, poolID, pipeline.PreRegister) {
			t.Error("active though switched off")
		}
		third := w.put(t, pipeline.PreRegister, "f", pass+"// 3")
		if third.Enabled {
			t.Error("a new version switched it on")
		}
		if err := w.Remove(ctx, poolID, "f", "bob"); err != nil {
			t.Fatal(err)
		}
		if err := w.Remove(ctx, poolID, "f", "bob"); errs.CodeOf(err) != errs.FunctionNotFound {
			t.Errorf("removed twice: %v", err)
		}
		puts := w.events(t, audit.FunctionPut)
		if len(puts) != 3 || !strings.Contains(puts[1], second.SHA256()) || !strings.HasPrefix(puts[1], "ann ok ") ||
			!strings.Contains(puts[1], `"version":"2"`) {
			t.Errorf("recorded %v", puts)
		}
		if got := w.events(t, audit.FunctionSwitch); len(got) != 1 || !strings.HasPrefix(got[0], "bob ") || !strings.Contains(got[0], second.SHA256()) {
			t.Errorf("recorded %v", got)
		}
		if got := w.events(t, audit.FunctionRemove); len(got) != 1 || !strings.Contains(got[0], third.SHA256()) {
			t.Errorf("recorded %v", got)
		}
	})
}

func TestPutRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.put(t, pipeline.PreRegister, "taken", pass)
		for name, c := range map[string]struct {
			f    pipeline.Function
			want errs.Code
		}{
			"an unknown point":      {pipeline.Function{Point: "NEVER", Name: "f", Source: pass}, errs.BadRequest},
			"a name with a slash":   {pipeline.Function{Point: pipeline.PreRegister, Name: "a/b", Source: pass}, errs.BadRequest},
			"no name":               {pipeline.Function{Point: pipeline.PreRegister, Source: pass}, errs.BadRequest},
			"a name of other point": {pipeline.Function{Point: pipeline.PostRegister, Name: "taken", Source: pass}, errs.BadRequest},
			"a syntax error":        {pipeline.Function{Point: pipeline.PreRegister, Name: "f", Source: "function pipe( {"}, errs.PipelineInvalid},
			"no pipe":               {pipeline.Function{Point: pipeline.PreRegister, Name: "f", Source: "1"}, errs.PipelineInvalid},
			"an endless top level":  {pipeline.Function{Point: pipeline.PreRegister, Name: "f", Source: "for (;;) {}"}, errs.PipelineInvalid},
			"too long":              {pipeline.Function{Point: pipeline.PreRegister, Name: "f", Source: pass + strings.Repeat(" ", 32<<10)}, errs.FieldTooLong},
		} {
			if _, err := w.Put(t.Context(), poolID, c.f); errs.CodeOf(err) != c.want {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
		}
	})
}

func TestOrder(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		names := func() []string {
			list, err := w.List(ctx, poolID)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range list {
				names = append(names, f.Name)
			}
			return names
		}
		w.put(t, pipeline.PostAuthentication, "last", pass)
		for _, name := range []string{"a", "b", "c"} {
			w.put(t, pipeline.PreRegister, name, `function pipe(u, c, cb) { c.order = (c.order || '') + '`+name+`'; return cb(null, u, c) }`)
		}
		if diff := cmp.Diff([]string{"a", "b", "c", "last"}, names()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, m := range []struct {
			name string
			to   int
			want string
		}{{"c", 0, "cab"}, {"c", 1, "acb"}, {"a", 99, "cba"}, {"a", -1, "acb"}} {
			if err := w.Move(ctx, poolID, m.name, m.to, "ann"); err != nil {
				t.Fatal(err)
			}
			effect, err := w.Run(ctx, pipeline.PreRegister, w.input(nil))
			if err != nil || effect.Context["order"] != m.want {
				t.Errorf("%s to %d: %v, want %s (%v)", m.name, m.to, effect.Context["order"], m.want, err)
			}
		}
		for i := range 17 {
			w.put(t, pipeline.PreRegister, "more"+string(rune('a'+i)), pass)
		}
		_, err := w.Put(ctx, poolID, pipeline.Function{Point: pipeline.PreRegister, Name: "21st", Source: pass})
		if errs.CodeOf(err) != errs.FieldTooLong {
			t.Errorf("21 functions: %v", err)
		}
	})
}

func TestEnv(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.put(t, pipeline.PreRegister, "f", `function pipe(u, c, cb) { c.env = { ...env }; return cb(null, u, c) }`)
		for name, value := range map[string]string{"HOOK": "https://example.com/CANARY-9", "B": "2"} {
			if err := w.SetEnv(ctx, poolID, name, value, "ann"); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.RemoveEnv(ctx, poolID, "B", "ann"); err != nil {
			t.Fatal(err)
		}
		effect, err := w.Run(ctx, pipeline.PreRegister, w.input(nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]any{"HOOK": "https://example.com/CANARY-9"}, effect.Context["env"]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if env, err := w.Env(ctx, otherID); err != nil || len(env) != 0 {
			t.Errorf("another pool's: %v %v", env, err)
		}
		for name, value := range map[string]string{"1A": "x", "": "x", "A-B": "x", "LONG": strings.Repeat("x", 4<<10+1)} {
			if err := w.SetEnv(ctx, poolID, name, value, "ann"); err == nil {
				t.Errorf("%q was taken", name)
			}
		}
		if err := w.RemoveEnv(ctx, poolID, "B", "ann"); errs.CodeOf(err) != errs.BadRequest {
			t.Errorf("removed twice: %v", err)
		}
		var sealed []byte
		if err := w.db.QueryRow(ctx, `SELECT sealed FROM function_env WHERE name = 'HOOK'`).Scan(&sealed); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(sealed), "CANARY") || strings.Contains(strings.Join(w.events(t, audit.FunctionEnv), ""), "CANARY") {
			t.Error("a value is readable at rest (KM-01)")
		}
		// A value moved to another pool does not open there, and ends nothing.
		if _, err := w.db.Exec(ctx, `INSERT INTO function_env (pool_id, name, sealed, updated_at)
			SELECT 'other', name, sealed, updated_at FROM function_env WHERE pool_id = 'acme'`); err != nil {
			t.Fatal(err)
		}
		if env, err := w.Env(ctx, otherID); err != nil || len(env) != 0 {
			t.Errorf("moved: %v %v", env, err)
		}
	})
}

func TestDryRun(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r, err := w.DryRun(t.Context(), w.client, pipeline.PreAuthentication, `function pipe(user, context, callback) {
			log('hello', context.protocol, context.mine, context.appId);
			user.nickname = 'n'; user.addCustomData('k', 1);
			return callback(null, user, context);
		}`, map[string]any{"id": "u1"}, map[string]any{"protocol": "sms", "mine": 1})
		if err != nil || r.Err != nil {
			t.Fatal(err, r.Err)
		}
		if diff := cmp.Diff([]string{"hello sms 1 acme"}, r.Logs); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if r.Effect.User["nickname"] != "n" || r.Effect.CustomData["k"] != 1.0 || r.User["nickname"] != "n" || r.Took <= 0 {
			t.Errorf("%+v", r)
		}
		r, err = w.DryRun(t.Context(), w.client, pipeline.PostAuthentication, `function pipe() { null.x }`, nil, nil)
		if err != nil || errs.CodeOf(r.Err) != errs.PipelineFailed {
			t.Errorf("%v %v", err, r.Err)
		}
		if n := len(w.events(t, audit.FunctionFailed)); n != 0 {
			t.Errorf("%d failures recorded", n)
		}
	})
}

// Two nodes share one database: the other one follows within a second.
func TestTwoNodes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		node := open(t, w.db)
		if node.Active(t.Context(), poolID, pipeline.PreRegister) {
			t.Fatal("active before")
		}
		w.put(t, pipeline.PreRegister, "f", pass)
		eventually(t, func() bool { return node.Active(t.Context(), poolID, pipeline.PreRegister) })
	})
}
