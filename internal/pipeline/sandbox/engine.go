package sandbox

import (
	"context"
	_ "embed" // the interpreter and its prelude
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// quickjs is QuickJS-ng compiled to WebAssembly; NOTICE.md says from where.
//
//go:embed quickjs.wasm
var quickjs []byte

//go:embed prelude.js
var prelude string

const (
	pageSize    = 64 << 10
	memoryPages = 1024     // 64 MiB: nothing a function does makes an instance larger
	heapLimit   = 48 << 20 // where a script runs out of memory by an exception
	stackLimit  = 512 << 10
)

// engine is the compiled interpreter and the memory of an instance that has read the
// prelude. Every function runs in an instance that begins as that image, so that
// nothing survives (JS-03).
//
// Scripts are stopped by the interpreter's own interrupt: letting the runtime check at
// every loop of the compiled code makes scripts four times slower. What never gets back
// to the interpreter, such as a search through a huge sparse array, ends with the
// process.
type engine struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
	host    *host
	spare   *vm // begins as the image already

	image                  []byte
	stack                  uint64
	runtimePtr, scriptPtr  uint64
	start, inspect, finish uint64 // functions of the prelude
}

// newEngine takes the compiled interpreter from the directory cache, where it leaves it
// when it had to compile.
func newEngine(ctx context.Context, cache string) (*engine, error) {
	conf := wazero.NewRuntimeConfig().WithMemoryLimitPages(memoryPages)
	if cache != "" {
		c, err := wazero.NewCompilationCacheWithDir(cache)
		if err != nil {
			return nil, fmt.Errorf("cache: %w", err)
		}
		conf = conf.WithCompilationCache(c)
	}
	e := &engine{runtime: wazero.NewRuntimeWithConfig(ctx, conf), host: &host{}}
	if err := e.host.export(ctx, e.runtime); err != nil {
		return nil, fmt.Errorf("imports: %w", err)
	}
	var err error
	if e.module, err = e.runtime.CompileModule(ctx, quickjs); err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	if err := e.makeImage(ctx); err != nil {
		return nil, fmt.Errorf("prelude: %w", err)
	}
	return e, nil
}

// makeImage starts the interpreter once, lets it read the prelude and keeps its memory.
func (e *engine) makeImage(ctx context.Context) error {
	v, err := e.instance(ctx)
	if err != nil {
		return err
	}
	defer v.close()
	v.call("_initialize")
	if v.call("qjs_init") != 0 {
		return errors.New("the interpreter does not start")
	}
	v.call("qjs_set_memory_limit", heapLimit)
	v.call("qjs_set_max_stack_size", stackLimit)
	v.call("qjs_set_interrupt_handler", 1)
	functions := v.eval(prelude, "prelude.js")
	if text, bad := v.exception(functions); bad {
		return errors.New(text)
	}
	e.start = v.call("qjs_get_prop_string", functions, v.text("start"))
	e.inspect = v.call("qjs_get_prop_string", functions, v.text("inspect"))
	e.finish = v.call("qjs_get_prop_string", functions, v.text("finish"))
	e.runtimePtr, e.scriptPtr = v.call("qjs_get_runtime_ptr"), v.call("qjs_get_context_ptr")
	e.stack = v.stack.Get()
	e.image = v.copyMemory()
	return v.err
}

// instance is a new instance with empty memory.
func (e *engine) instance(ctx context.Context) (*vm, error) {
	conf := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	m, err := e.runtime.InstantiateModule(ctx, e.module, conf)
	if err != nil {
		return nil, err
	}
	stack, ok := m.ExportedGlobal("__stack_pointer").(api.MutableGlobal)
	if !ok {
		return nil, errors.New("the interpreter has no stack pointer")
	}
	return &vm{ctx: ctx, module: m, stack: stack}, nil
}

// take returns an instance that begins as the image.
func (e *engine) take(ctx context.Context) (*vm, error) {
	if v := e.spare; v != nil {
		e.spare = nil
		return v, nil
	}
	v, err := e.instance(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.reset(v); err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

// put throws an instance away, or makes it the image again when it is as large and
// nothing went wrong in it. It is called when the answer is out already.
func (e *engine) put(v *vm) {
	if v.err == nil && e.spare == nil && int(v.module.Memory().Size()) == len(e.image) && e.reset(v) == nil {
		e.spare = v
		return
	}
	v.close()
}

// reset overwrites all that an instance keeps: memory and stack pointer.
func (e *engine) reset(v *vm) error {
	memory := v.module.Memory()
	if missing := (len(e.image) - int(memory.Size())) / pageSize; missing > 0 {
		memory.Grow(uint32(missing)) //nolint:gosec // a few pages.
	}
	memory.Write(0, e.image)
	v.call("qjs_set_runtime_and_context", e.runtimePtr, e.scriptPtr)
	v.stack.Set(e.stack)
	return v.err
}
