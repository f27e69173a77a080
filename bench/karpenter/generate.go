package main

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "sigs.k8s.io/karpenter/pkg/apis/v1"
)

// generate writes the problem of Karpenter's own scheduling_benchmark_test.go: its pods over fake.InstanceTypes(n), in one
// NodePool. The same arguments give the same bytes.
func generate(mix string, pods, types int, seed int64) *Problem {
	p := &Problem{
		WellKnownLabels: []string{"size", "special", "integer"},
		Meta:            map[string]any{"mix": mix, "seed": seed},
	}
	for i := range types {
		p.InstanceTypes = append(p.InstanceTypes, fakeType(i+1))
	}
	// Four times the limits of the benchmark, which 100,000 pods would reach.
	p.NodePools = []*v1.NodePool{{ObjectMeta: metav1.ObjectMeta{Name: "default"}, Spec: v1.NodePoolSpec{Limits: v1.Limits{
		corev1.ResourceCPU: resource.MustParse("40000000"), corev1.ResourceMemory: resource.MustParse("40000000Gi"),
	}}}}
	switch draw := newDraw(seed); mix {
	case "diverse":
		p.Pods = draw.diverse(pods)
	case "preference":
		p.Pods = draw.preference(pods)
	default:
		blame("no mix is called %q: diverse and preference are", mix)
	}
	return p
}

// fakeType is that of fake.InstanceTypes with so many CPUs.
func fakeType(cpu int) InstanceType {
	price := 0.1*float64(cpu) + 0.1*float64(cpu)*2*1024*1024*1024/1e9
	it := InstanceType{
		Name: fmt.Sprintf("fake-it-%d", cpu-1),
		Capacity: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse(fmt.Sprint(cpu)),
			corev1.ResourceMemory: resource.MustParse(fmt.Sprintf("%dGi", cpu*2)),
			corev1.ResourcePods:   resource.MustParse(fmt.Sprint(cpu * 10)),
		},
		Overhead:     corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("10Mi")},
		Labels:       map[string]string{"integer": fmt.Sprint(cpu), "size": "small"},
		Requirements: []corev1.NodeSelectorRequirement{{Key: corev1.LabelOSStable, Operator: corev1.NodeSelectorOpIn, Values: []string{"darwin", "linux", "windows"}}},
	}
	if cpu > 4 {
		it.Labels["size"], it.Labels["special"] = "large", "optional"
	}
	for _, o := range [][2]string{{"test-zone-1", "spot"}, {"test-zone-2", "spot"}, {"test-zone-1", "on-demand"}, {"test-zone-2", "on-demand"}, {"test-zone-3", "on-demand"}} {
		it.Offerings = append(it.Offerings, Offering{Zone: o[0], CapacityType: o[1], Price: price})
	}
	return it
}
