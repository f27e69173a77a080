package main

import (
	"fmt"
	"math/rand"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// draw makes pods by the same lists of values, drawn in the same order, as Karpenter's benchmark.
type draw struct {
	values *rand.Rand
	// uids are random too, as pods of one size queue in the order of their UIDs.
	uids *rand.Rand
	pods []*corev1.Pod
}

func newDraw(seed int64) *draw {
	return &draw{values: rand.New(rand.NewSource(seed)), uids: rand.New(rand.NewSource(seed + 1))} //nolint:gosec
}

func (d *draw) pick(values ...string) string { return values[d.values.Intn(len(values))] }

func (d *draw) label(key string) map[string]string {
	return map[string]string{key: d.pick("a", "b", "c", "d", "e", "f", "g")}
}

func (d *draw) requests() corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse(d.pick("100m", "250m", "500m", "1000m", "1500m")),
		corev1.ResourceMemory: resource.MustParse(d.pick("100Mi", "256Mi", "512Mi", "1024Mi", "2048Mi", "4096Mi")),
	}}
}

func (d *draw) pod(kind string, labels map[string]string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: fmt.Sprintf("%s-%05d", kind, len(d.pods)), Namespace: "default", Labels: labels, UID: types.UID(fmt.Sprintf("%016x", d.uids.Uint64())),
	}}
	d.pods = append(d.pods, pod)
	return pod
}

// diverse is makeDiversePods: a fifth each of plain pods, pods spread over zones and over hosts, pods drawn to one zone, and
// pods that each want a host without the others.
func (d *draw) diverse(count int) []*corev1.Pod {
	mine := func() map[string]string { return d.label("my-label") }
	plain := func(*corev1.Pod) {}
	add := func(kind string, n int, labels func() map[string]string, shape func(pod *corev1.Pod)) {
		for range n {
			pod := d.pod(kind, labels())
			shape(pod)
			pod.Spec.Containers = []corev1.Container{{Name: "c", Resources: d.requests()}}
		}
	}
	spread := func(key string) func(*corev1.Pod) {
		return func(pod *corev1.Pod) {
			pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: corev1.DoNotSchedule,
				LabelSelector: &metav1.LabelSelector{MatchLabels: mine()}}}
		}
	}
	fifth := count / 5
	add("generic", fifth, mine, plain)
	add("zonespread", fifth, mine, spread(corev1.LabelTopologyZone))
	add("hostspread", fifth, mine, spread(corev1.LabelHostname))
	add("affinity", fifth, func() map[string]string { return d.label("my-affininity") }, func(pod *corev1.Pod) {
		pod.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{likeness(pod, corev1.LabelTopologyZone)},
		}}
	})
	add("antiaffinity", fifth, func() map[string]string { return map[string]string{"app": "nginx"} }, func(pod *corev1.Pod) {
		pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{likeness(pod, corev1.LabelHostname)},
		}}
	})
	add("generic", count-len(d.pods), mine, plain)
	return d.pods
}

// preference is makePreferencePods: equal pods with one wish that cannot be met and two that can.
func (d *draw) preference(count int) []*corev1.Pod {
	requests := d.requests()
	for range count {
		pod := d.pod("preference", map[string]string{"app": "nginx"})
		pod.Spec.Containers = []corev1.Container{{Name: "c", Resources: *requests.DeepCopy()}}
		pod.Spec.Affinity = &corev1.Affinity{
			NodeAffinity: &corev1.NodeAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{
				Weight: 1, Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
					{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{"test-zone-1"}},
				}},
			}}},
			PodAntiAffinity: &corev1.PodAntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{
				{Weight: 10, PodAffinityTerm: likeness(pod, corev1.LabelTopologyZone)},
				{Weight: 1, PodAffinityTerm: likeness(pod, corev1.LabelHostname)},
			}},
		}
	}
	return d.pods
}

// likeness selects the pods with the pod's own labels.
func likeness(pod *corev1.Pod, key string) corev1.PodAffinityTerm {
	return corev1.PodAffinityTerm{TopologyKey: key, LabelSelector: &metav1.LabelSelector{MatchLabels: pod.Labels}}
}
