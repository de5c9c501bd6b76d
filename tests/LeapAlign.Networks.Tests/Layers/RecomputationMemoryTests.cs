using System.Runtime.InteropServices;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Layers;

/// <summary>Tests that read what the process has allocated: nothing else allocates meanwhile.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>What the graph of a part that is computed again in the backward holds.</summary>
[Collection(nameof(Alone))]
public sealed partial class RecomputationMemoryTests
{
    [Fact]
    public void What_is_kept_of_a_block_is_what_came_in()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "it asks the allocator of Linux");
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        Linear[] layers = [.. Enumerable.Range(0, 24).Select(index => new Linear(weights.Root / index, 64, 64))];
        weights.Allocate(CPU, float32);
        using (no_grad())
        {
            foreach (var weight in weights.All) weight.Master.fill_(0.01);
        }
        weights.SetTrained(true);
        weights.Refresh();
        var part = new Recomputation(weights.All, [], inputs => [Through(inputs[0])]);
        _ = Kept(Through);
        _ = Kept(input => part.Forward(input)[0]);
        var (plain, recomputed) = (Kept(Through), Kept(input => part.Forward(input)[0]));
        Assert.True(recomputed * 20 <= plain, $"{recomputed} of {plain} bytes");

        Tensor Through(Tensor input)
        {
            using var inner = NewDisposeScope();
            foreach (var layer in layers) input = Activation.GeluTanh(layer.Forward(input));
            return input.MoveToOuterDisposeScope();
        }
    }

    [Fact]
    public void A_thread_without_a_scope_keeps_no_tensors()
    {
        // As autograd's own threads, those of a GPU: nothing frees there what a call returns.
        long before = 0, after = 0;
        var thread = new Thread(() =>
        {
            var part = new Recomputation([], [], inputs => [inputs[0] * inputs[1]]);
            for (var i = 0; i < 20; i++)
            {
                if (i == 10) before = Tensor.TotalCount;
                using var calls = new GraphCalls();
                using var factor = ones(4).requires_grad_();
                Tensor output;
                using (var scope = NewDisposeScope())
                {
                    var hidden = part.Forward(factor, factor)[0];
                    for (var depth = 0; depth < 5; depth++) hidden = part.Forward(hidden, factor)[0];
                    output = hidden.sum().MoveToOuterDisposeScope();
                }
                using (output) output.backward();
                calls.Complete();
                factor.grad?.Dispose();
            }
            after = Tensor.TotalCount;
        });
        thread.Start();
        thread.Join();
        Assert.InRange(after - before, long.MinValue, 30);
    }

    // Bytes that an output and its graph hold.
    private static long Kept(Func<Tensor, Tensor> forward)
    {
        using var scope = NewDisposeScope();
        var input = ones(8192, 64).requires_grad_();
        var before = InUse();
        var output = forward(input);
        var kept = InUse() - before;
        output.sum().backward();
        return kept;
    }

    private static long InUse()
    {
        var info = mallinfo2();
        return (long)(info.Used + info.Mapped);
    }

    [LibraryImport("libc.so.6")]
    private static partial Info mallinfo2();

    // struct mallinfo2 of malloc.h: ten size_t, of which the fifth and the eighth are looked at.
    [StructLayout(LayoutKind.Explicit, Size = 80)]
    private struct Info
    {
        [FieldOffset(32)]
        public nuint Mapped;

        [FieldOffset(56)]
        public nuint Used;
    }
}
