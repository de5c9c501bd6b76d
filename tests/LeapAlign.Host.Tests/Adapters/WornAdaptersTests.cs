using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Kernel;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Adapters;

/// <summary>A batch whose samples wear adapters is evaluated group by group, and each sample has what it wears.</summary>
public sealed class WornAdaptersTests : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Samples_that_wear_the_same_are_evaluated_together_in_whichever_order_it_was_picked()
    {
        var groups = WornAdapters.Groups([["b", "a"], [], ["a", "b"], ["b"], []], 5);
        Assert.Equal(["a b: 0 2", ": 1 4", "b: 3"], groups.Select(static group => $"{string.Join(' ', group.Names)}: {string.Join(' ', group.Places)}"));
        Assert.Equal([0, 1, 2], Assert.Single(WornAdapters.Groups([], 3)).Places);
        // Names are not put together to another's.
        Assert.Equal(2, WornAdapters.Groups([["a", "b"], ["ab"]], 2).Count);
    }

    [Fact]
    public void Each_sample_has_the_value_of_what_it_wears_at_its_place_and_its_gradient()
    {
        var wardrobe = new Wardrobe();
        var rows = arange(10, dtype: ScalarType.Float64).reshape(5, 2).requires_grad_();
        IReadOnlyList<IReadOnlyList<string>> worn = [["one"], ["ten"], [], ["ten", "one"], ["one"]];
        var groups = WornAdapters.Groups(worn, 5);
        List<string> asked = [];
        var found = new WornAdapters(wardrobe).Each(groups, rows, (group, own) =>
        {
            asked.Add($"{group}: {string.Join(' ', own.shape)} {wardrobe.Now}");
            return own * (1 + wardrobe.Now);
        });
        Assert.Equal(["0: 2 2 1", "1: 1 2 10", "2: 1 2 0", "3: 1 2 11"], asked);
        double[] factors = [2, 11, 1, 12, 2];
        Assert.True(found.equal(rows * tensor(factors).unsqueeze(1)).all().item<bool>());
        found.sum().backward();
        Assert.Equal(factors.SelectMany(static factor => new[] { factor, factor }), rows.grad!.data<double>());
        Assert.Equal(0, wardrobe.Now);
    }

    [Fact]
    public void One_group_has_the_rows_as_they_are_and_nothing_worn_asks_nobody()
    {
        var wardrobe = new Wardrobe();
        var rows = ones(2, 1);
        new WornAdapters(wardrobe).Each(WornAdapters.Groups([["one"], ["one"]], 2), rows, (_, own) =>
        {
            Assert.Same(rows, own);
            Assert.Equal(1, wardrobe.Now);
            return own.alias();
        });
        new WornAdapters(null).Each(WornAdapters.Groups([[], []], 2), rows, static (_, own) => own.alias());
    }

    [Fact]
    public void An_adapter_without_candidates_cannot_be_worn()
    {
        var thrown = Assert.Throws<NotSupportedException>(() => new WornAdapters(null).Each(WornAdapters.Groups([["one"]], 1), ones(1, 1), static (_, own) => own));
        Assert.Contains("'adapter-candidates'", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_worn_is_taken_off_where_the_evaluation_throws()
    {
        var wardrobe = new Wardrobe();
        Assert.Throws<ArithmeticException>(() => new WornAdapters(wardrobe).Each(WornAdapters.Groups([["one"], ["ten"]], 2), ones(2, 1), static (_, _) => throw new ArithmeticException()));
        Assert.Equal(0, wardrobe.Now);
    }

    /// <summary>Counts what is worn: 1 for "one", 10 for "ten".</summary>
    private sealed class Wardrobe : ICandidateAdapters
    {
        private readonly Stack<int> _uses = new();

        public int Now => _uses.TryPeek(out var used) ? used : 0;

        public IReadOnlyList<string> Candidates => ["one", "ten"];

        public IReadOnlyList<AdapterSite> Bound => [];

        public ParameterSet Parameters => ParameterSet.Empty;

        public long Bytes => 0;

        public IDisposable Wear(IReadOnlyList<string> names) => new Used(_uses, names.Sum(static name => name == "one" ? 1 : 10));

        public IReadOnlyList<Parameter> ParametersOf(AdapterSite site) => [];

        public void Refresh()
        {
        }

        public IDisposable Use(Policy policy) => throw new NotSupportedException();

        public IDisposable SwitchOff() => throw new NotSupportedException();

        public Tensor UpdateOf(AdapterSite site, IReadOnlyList<Tensor> values) => throw new NotSupportedException();

        public Result<Unit> Write(string folder, IReadOnlyList<Tensor> values) => throw new NotSupportedException();

        public Result<IReadOnlyList<Tensor>> Read(string folder) => throw new NotSupportedException();

        public void Dispose()
        {
        }

        private sealed class Used : IDisposable
        {
            private readonly Stack<int> _all;

            public Used(Stack<int> all, int worth)
            {
                _all = all;
                all.Push(worth);
            }

            public void Dispose() => _all.Pop();
        }
    }
}
