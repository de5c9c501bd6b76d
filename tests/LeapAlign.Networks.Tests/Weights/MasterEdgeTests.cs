using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Weights;

/// <summary>Gradients of a weight that is computed with in another precision than it is kept in, and what may stand in its place.</summary>
public sealed class MasterEdgeTests : IDisposable
{
    private const int Inputs = 96;
    private const int Outputs = 64;
    private static readonly RandomKey Key = RandomKey.OfRun(3).For("edge");
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();
    private readonly WeightSet _set = new();
    private readonly Weight _weight;

    public MasterEdgeTests()
    {
        _weight = _set.Root.Weight("w", Outputs, Inputs);
        _set.Allocate(CPU, float32);
        using (no_grad()) _weight.Master.copy_(Key.For("w").Normal([Outputs, Inputs], CPU));
        _set.SetTrained(true);
    }

    public void Dispose()
    {
        _set.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void The_error_of_a_gradient_does_not_grow_with_the_evaluations_of_one_backward()
    {
        _set.ComputeIn(bfloat16);
        var one = Error(1);
        Assert.True(one > 0, "bfloat16 rounds");
        foreach (var evaluations in (int[])[2, 8, 64])
        {
            var error = Error(evaluations);
            Assert.True(error < 1.15 * one, $"{evaluations} evaluations: {error:G4}; one: {one:G4}");
        }
    }

    [Fact]
    public void All_uses_have_the_memory_of_one_copy()
    {
        _set.ComputeIn(bfloat16);
        Tensor[] uses = [.. Enumerable.Range(0, 5).Select(_ => _weight.Value)];
        Assert.All(uses, use => Assert.True(use.requires_grad && use.dtype == bfloat16));
        Assert.Single(uses.Select(Address).Distinct());
        using (no_grad())
        {
            Assert.Equal(Address(uses[0]), Address(_weight.Value));
            Assert.False(_weight.Value.requires_grad);
        }
    }

    [Fact]
    public void In_the_type_of_the_masters_the_network_computes_with_them()
    {
        _set.ComputeIn(float32);
        Assert.Same(_weight.Master, _weight.Value);
    }

    [Fact]
    public void What_is_not_trained_has_no_graph()
    {
        _set.SetTrained(false);
        _set.ComputeIn(bfloat16);
        Assert.False(_weight.Value.requires_grad);
    }

    [Fact]
    public void A_graph_of_weights_that_were_changed_since_keeps_what_it_was_made_with()
    {
        _set.ComputeIn(bfloat16);
        var input = Key.For("input").Normal([3, Inputs], CPU).to(bfloat16).requires_grad_();
        var before = _weight.Value.detach().clone();
        var output = nn.functional.linear(input, _weight.Value).sum();
        using (no_grad()) _weight.Master.add_(1);
        _set.Refresh();
        output.backward();
        Assert.Equal(float32, _weight.Master.grad!.dtype);
        // Rounded to bfloat16 once; the weights of now are one more in each of the rows.
        var difference = before.to(float32).sum([0]).sub(input.grad![0].to(float32)).abs().max().item<float>();
        Assert.True(difference < 0.5, $"{difference}");
        Assert.True(_weight.Value.to(float32).sub(_weight.Master).abs().max().item<float>() < 0.05);
    }

    [Fact]
    public void Uses_may_be_nested_and_end_in_any_order()
    {
        foreach (var type in (ScalarType[])[float32, bfloat16])
        {
            _set.ComputeIn(type);
            var (master, first, second) = (Mean(), Filled(1), Filled(2));
            using Policy one = new("one", [first]), two = new("two", [second]);
            var outer = _set.Use(one);
            Assert.Equal(1, Mean());
            var inner = _set.Use(two);
            Assert.Equal(2, Mean());
            _set.Refresh();
            Assert.Equal(2, Mean());
            inner.Dispose();
            inner.Dispose();
            Assert.Equal(1, Mean());
            using (_set.Use(two)) outer.Dispose();
            Assert.Equal(master, Mean());
            // What is made of the values is made anew once they moved, and not before.
            using (no_grad()) first.fill_(3);
            one.Moved();
            using (_set.Use(one)) Assert.Equal(3, Mean());
            Assert.True(first.sum().item<float>() > 0, "what was lent is the lender's still");
        }
    }

    /// <summary>Of the gradient in the master, against that of the same values in double precision.</summary>
    private double Error(int evaluations)
    {
        using var scope = NewDisposeScope();
        _weight.Master.grad?.zero_();
        var exact = _weight.Value.detach().to(float64).requires_grad_();
        Tensor loss = zeros([]), exactLoss = zeros([], dtype: float64);
        for (var evaluation = 0; evaluation < evaluations; evaluation++)
        {
            var input = Key.For("input", evaluation).Normal([32, Inputs], CPU).to(bfloat16);
            var upstream = Key.For("upstream", evaluation).Normal([32, Outputs], CPU).to(bfloat16);
            loss += (nn.functional.linear(input, _weight.Value) * upstream).to(float32).sum();
            exactLoss += (nn.functional.linear(input.to(float64), exact) * upstream.to(float64)).sum();
        }
        loss.backward();
        exactLoss.backward();
        Assert.Equal(float32, _weight.Master.grad!.dtype);
        return ((_weight.Master.grad.to(float64) - exact.grad!).norm() / exact.grad!.norm()).item<double>();
    }

    private float Mean() => _weight.Value.detach().to(float32).mean().item<float>();

    private static Tensor Filled(float value) => full([Outputs, Inputs], value, dtype: float32);

    private static unsafe nint Address(Tensor tensor) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.detach().bytes));
}
