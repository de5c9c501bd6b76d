using static TorchSharp.torch;

namespace LeapAlign.Optimization;

/// <summary>The update in plain tensor operations: any device, any precision.</summary>
internal static class PlainAdamW
{
    public static void Update(IEnumerable<AdamWSlot> slots, AdamWForm form, double rate)
    {
        foreach (var slot in slots)
        {
            using var scope = NewDisposeScope();
            var gradient = slot.Parameter.grad!;
            var correction1 = 1 - Math.Pow(form.Beta1, slot.Updates);
            var correction2 = 1 - Math.Pow(form.Beta2, slot.Updates);
            slot.Parameter.mul_(1 - (rate * slot.Decay));
            slot.First.lerp_(gradient, 1 - form.Beta1);
            slot.Second.mul_(form.Beta2).addcmul_(gradient, gradient, 1 - form.Beta2);
            var root = slot.Second.sqrt() / Math.Sqrt(correction2);
            slot.Parameter.addcdiv_(slot.First, root + form.Epsilon, -rate / correction1);
        }
    }
}
