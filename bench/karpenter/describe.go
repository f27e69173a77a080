package main

import (
	"math"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/samber/lo"
	corev1 "k8s.io/api/core/v1"

	v1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/controllers/provisioning/scheduling"
)

// NewNodeClaim is a node to buy.
type NewNodeClaim struct {
	NodePool string   `json:"nodePool"`
	Pods     []string `json:"podNames"`
	// CheapestPrice is -1 where no offering can be launched, as when a replacement is forced onto spot that nobody offers.
	CheapestPrice float64 `json:"cheapestPrice"`
	Cheapest      *Chosen `json:"cheapest"`
	// Requests include those of daemons.
	Requests      corev1.ResourceList                       `json:"requests"`
	Requirements  []v1.NodeSelectorRequirementWithMinValues `json:"requirements"`
	InstanceTypes int                                       `json:"instanceTypes"`
	// InstanceTypeOptions can be launched; they are cheapest first, then by name.
	InstanceTypeOptions []string `json:"instanceTypeOptions"`
}

type Chosen struct {
	InstanceType string  `json:"instanceType"`
	Zone         string  `json:"zone"`
	CapacityType string  `json:"capacityType"`
	Price        float64 `json:"price"`
}

// Placed are the pods that a node which is there gets.
type Placed struct {
	Name string   `json:"name"`
	Pods []string `json:"podNames"`
}

type Totals struct {
	NewNodes      int     `json:"newNodes"`
	TotalPrice    float64 `json:"totalPrice"`
	Unschedulable int     `json:"unschedulable"`
	OnExisting    int     `json:"podsOnExisting"`
}

// cheapest is the offering that a claim will be launched from, of the given type; nil where it has none.
func cheapest(claim *scheduling.NodeClaim, it *cloudprovider.InstanceType) *cloudprovider.Offering {
	if offerings := it.Offerings.Available().Compatible(claim.Requirements); len(offerings) > 0 {
		return offerings.Cheapest()
	}
	return nil
}

func describe(claim *scheduling.NodeClaim, limit int) NewNodeClaim {
	prices := lo.SliceToMap(claim.InstanceTypeOptions, func(it *cloudprovider.InstanceType) (string, float64) {
		if offering := cheapest(claim, it); offering != nil {
			return it.Name, offering.Price
		}
		return it.Name, math.MaxFloat64
	})
	launchable := lo.Filter(claim.InstanceTypeOptions, func(it *cloudprovider.InstanceType, _ int) bool { return prices[it.Name] < math.MaxFloat64 })
	types := slices.SortedFunc(slices.Values(launchable), func(a, b *cloudprovider.InstanceType) int {
		if prices[a.Name] != prices[b.Name] {
			return lo.Ternary(prices[a.Name] < prices[b.Name], -1, 1)
		}
		return strings.Compare(a.Name, b.Name)
	})
	out := NewNodeClaim{
		NodePool: claim.NodePoolName, Pods: lo.Map(claim.Pods, podName), CheapestPrice: -1, Requests: claim.Spec.Resources.Requests,
		Requirements: claim.Requirements.NodeSelectorRequirements(), InstanceTypes: len(types),
		InstanceTypeOptions: lo.Map(lo.Slice(types, 0, limit), func(it *cloudprovider.InstanceType, _ int) string { return it.Name }),
	}
	slices.SortFunc(out.Requirements, func(a, b v1.NodeSelectorRequirementWithMinValues) int { return strings.Compare(a.Key, b.Key) })
	if len(types) > 0 {
		offering := cheapest(claim, types[0])
		out.CheapestPrice = offering.Price
		out.Cheapest = &Chosen{types[0].Name, offering.Zone(), offering.CapacityType(), offering.Price}
	}
	return out
}

func totals(results scheduling.Results) Totals {
	out := Totals{NewNodes: len(results.NewNodeClaims), Unschedulable: len(results.PodErrors)}
	for _, claim := range results.NewNodeClaims {
		best := math.MaxFloat64
		for _, it := range claim.InstanceTypeOptions {
			if offering := cheapest(claim, it); offering != nil {
				best = min(best, offering.Price)
			}
		}
		out.TotalPrice += lo.Ternary(best < math.MaxFloat64, best, 0)
	}
	for _, node := range results.ExistingNodes {
		out.OnExisting += len(node.Pods)
	}
	return out
}

func placed(nodes []*scheduling.ExistingNode) []Placed {
	return lo.FilterMap(nodes, func(node *scheduling.ExistingNode, _ int) (Placed, bool) {
		return Placed{node.Name(), lo.Map(node.Pods, podName)}, len(node.Pods) > 0
	})
}

func refused(errors map[*corev1.Pod]error) map[string]string {
	return lo.MapEntries(errors, func(pod *corev1.Pod, err error) (string, string) { return podName(pod, 0), err.Error() })
}

// podName leaves the default namespace out.
func podName(pod *corev1.Pod, _ int) string {
	return lo.Ternary(pod.Namespace == "default", pod.Name, pod.Namespace+"/"+pod.Name)
}

// version is that of the scheduler which is asked.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == "sigs.k8s.io/karpenter" {
				return dependency.Version
			}
		}
	}
	return "unknown"
}
