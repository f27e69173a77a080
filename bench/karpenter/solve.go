package main

import (
	"context"
	"runtime"
	"syscall"
	"time"

	"github.com/samber/lo"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"sigs.k8s.io/karpenter/pkg/controllers/provisioning/scheduling"
)

// Solved is what Karpenter's scheduler answers, run by run.
type Solved struct {
	Karpenter     string `json:"karpenter"`
	Pods          int    `json:"pods"`
	InstanceTypes int    `json:"instanceTypes"`
	Concurrency   int    `json:"concurrency"`
	MaxRSSBytes   int64  `json:"maxRssBytes"`
	Runs          []Run  `json:"runs"`
}

type Run struct {
	Totals
	Measured
	// SetupNs is what it took to make the scheduler: topology, daemons, volumes.
	SetupNs int64 `json:"setupNs"`
	// TotalNs is SetupNs and ElapsedNs together.
	TotalNs       int64          `json:"totalNs"`
	NewNodeClaims []NewNodeClaim `json:"newNodeClaims"`
	ExistingNodes []Placed       `json:"existingNodes"`
	// Errors say why pods were placed nowhere.
	Errors map[string]string `json:"errors"`
}

// Measured is of the decision itself: Solve, or the search for nodes to consolidate.
type Measured struct {
	ElapsedNs  int64  `json:"elapsedNs"`
	AllocBytes uint64 `json:"allocBytes"`
	Allocs     uint64 `json:"allocs"`
}

func measure(work func()) Measured {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	work()
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)
	return Measured{elapsed.Nanoseconds(), after.TotalAlloc - before.TotalAlloc, after.Mallocs - before.Mallocs}
}

func maxRSSBytes() int64 {
	var usage syscall.Rusage
	lo.Must0(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage.Maxrss * 1024
}

type settings struct {
	runs        int
	limit       int
	timeout     time.Duration
	concurrency int
	method      string
}

// solve asks as often as there are runs, each with a scheduler of its own. Ties are broken by the order of Go's maps, so
// runs differ.
func solve(p *Problem, s settings) Solved {
	p.Options.Concurrency = max(1, lo.CoalesceOrEmpty(s.concurrency, p.Options.Concurrency))
	w := newWorld(p)
	out := Solved{Karpenter: version(), Pods: len(w.pending), InstanceTypes: len(p.InstanceTypes), Concurrency: p.Options.Concurrency}
	for range s.runs {
		out.Runs = append(out.Runs, w.solveOnce(s))
	}
	out.MaxRSSBytes = maxRSSBytes()
	return out
}

func (w *world) solveOnce(s settings) Run {
	pods := lo.Map(w.pending, func(pod *corev1.Pod, _ int) *corev1.Pod { return pod.DeepCopy() })
	start := time.Now()
	scheduler, err := w.provisioner.NewScheduler(w.ctx, pods, w.cluster.DeepCopyNodes().Active(), sets.New[types.UID](), w.options...)
	if err != nil {
		blame("%v", err)
	}
	setup := time.Since(start).Nanoseconds()
	ctx, cancel := w.ctx, context.CancelFunc(func() {})
	if s.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
	}
	defer cancel()
	var results scheduling.Results
	measured := measure(func() { results, _ = scheduler.Solve(ctx, pods) })
	results = results.TruncateInstanceTypes(w.ctx, scheduling.MaxInstanceTypes)
	return Run{
		Totals: totals(results), Measured: measured, SetupNs: setup, TotalNs: setup + measured.ElapsedNs,
		NewNodeClaims: lo.Map(results.NewNodeClaims, func(claim *scheduling.NodeClaim, _ int) NewNodeClaim { return describe(claim, s.limit) }),
		ExistingNodes: placed(results.ExistingNodes), Errors: refused(results.PodErrors),
	}
}
