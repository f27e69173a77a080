package main

import (
	"context"
	"slices"
	"time"

	"github.com/samber/lo"

	"sigs.k8s.io/karpenter/pkg/controllers/disruption"
)

// Consolidated is what one of Karpenter's methods would do, were it asked first.
type Consolidated struct {
	Measured
	Candidates int       `json:"candidates"`
	SetupNs    int64     `json:"setupNs"`
	Commands   []Command `json:"commands"`
}

type Command struct {
	Decision     disruption.Decision `json:"decision"`
	Removed      []string            `json:"removed"`
	SourcePrice  float64             `json:"sourcePrice"`
	Savings      float64             `json:"savings"`
	Replacements []NewNodeClaim      `json:"replacements"`
}

// at once instead of after Karpenter's 15 seconds, and without looking again.
type atOnce struct{}

func (atOnce) Validate(_ context.Context, command disruption.Command, _ time.Duration) (disruption.Command, error) {
	return command, nil
}

func consolidate(p *Problem, s settings) map[string]any {
	w := newWorld(p)
	queue := disruption.NewQueue(w.client, w.recorder, w.cluster, w.clock, w.provisioner)
	shared := disruption.MakeConsolidation(w.clock, w.cluster, w.client, w.provisioner, w.provider, w.recorder, queue)
	methods := map[string]disruption.Method{
		"empty":  disruption.NewEmptiness(shared, disruption.WithValidator(atOnce{})),
		"multi":  disruption.NewMultiNodeConsolidation(shared, disruption.WithValidator(atOnce{})),
		"single": disruption.NewSingleNodeConsolidation(shared, disruption.WithValidator(atOnce{})),
	}
	out := map[string]any{"karpenter": version(), "nodes": len(p.Nodes)}
	for _, name := range []string{"empty", "multi", "single"} {
		if s.method == "" || s.method == name {
			out[name] = w.consolidateBy(methods[name], queue, s.limit)
		}
	}
	out["maxRssBytes"] = maxRSSBytes()
	return out
}

func (w *world) consolidateBy(method disruption.Method, queue *disruption.Queue, limit int) Consolidated {
	start := time.Now()
	candidates, poolTotals, err := disruption.GetCandidatesWithTotals(
		w.ctx, w.cluster, w.client, w.recorder, w.clock, w.provider, method.ShouldDisrupt, method.Class(), queue, nil)
	if err != nil {
		blame("%v", err)
	}
	if setter, ok := method.(disruption.NodePoolTotalsSetter); ok {
		setter.SetNodePoolTotals(poolTotals)
	}
	budgets, err := disruption.BuildDisruptionBudgetMapping(w.ctx, w.cluster, w.clock, w.client, w.provider, w.recorder, method.Reason())
	if err != nil {
		blame("%v", err)
	}
	out := Consolidated{Candidates: len(candidates), SetupNs: time.Since(start).Nanoseconds()}
	var commands []disruption.Command
	out.Measured = measure(func() { commands, err = method.ComputeCommands(w.ctx, budgets, candidates...) })
	if err != nil {
		blame("%v", err)
	}
	out.Commands = lo.Map(commands, func(command disruption.Command, _ int) Command {
		removed := lo.Map(command.Candidates, func(candidate *disruption.Candidate, _ int) string { return candidate.Name() })
		slices.Sort(removed)
		return Command{
			Decision: command.Decision(), Removed: removed, SourcePrice: command.SourceCost(), Savings: command.EstimatedSavings(),
			Replacements: lo.Map(command.Replacements, func(replacement *disruption.Replacement, _ int) NewNodeClaim {
				return describe(replacement.NodeClaim, limit)
			}),
		}
	})
	return out
}
