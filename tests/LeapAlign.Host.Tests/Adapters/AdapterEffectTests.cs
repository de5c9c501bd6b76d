using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Kernel;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Adapters;

/// <summary>An adapter that does nothing is a fault that names what does nothing.</summary>
public sealed class AdapterEffectTests : IDisposable
{
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    [Theory]
    [InlineData(true, null)]
    [InlineData(false, "'second'")]
    public void A_layer_without_a_gradient_is_named(bool hidden, string? named)
    {
        var adapter = new Two();
        foreach (var parameter in adapter.Parameters) parameter.Value.grad = ones_like(parameter.Value);
        // In the first update a factor that begins at zero hides the other's gradient.
        adapter.Parameters[2].Value.grad = null;
        if (!hidden) adapter.Parameters[3].Value.grad = zeros_like(adapter.Parameters[3].Value);
        var first = AdapterEffect.OfGradients(adapter, Moves, first: true);
        if (named is null) Assert.Null(first);
        else Assert.Contains(named, first!.Message, StringComparison.Ordinal);
        var second = AdapterEffect.OfGradients(adapter, Moves, first: false)!;
        Assert.Equal(FaultCodes.AdapterWithoutEffect, second.Code);
        Assert.Contains("1 of its 2 layers: 'second'", second.Message, StringComparison.Ordinal);
        adapter.Parameters[2].Value.grad = ones_like(adapter.Parameters[2].Value);
        adapter.Parameters[3].Value.grad = ones_like(adapter.Parameters[3].Value);
        Assert.Null(AdapterEffect.OfGradients(adapter, Moves, first: false));
    }

    private static bool Moves(Parameter parameter) => parameter.Value.grad is { } gradient && AdapterEffect.Moves(gradient);

    [Theory]
    [InlineData(1f, null)]
    [InlineData(0f, "has no effect")]
    [InlineData(2f, "otherwise than the trained one")]
    public void A_file_that_does_something_else_than_the_adapter_is_a_fault(float factor, string? said)
    {
        var adapter = new Two { OfFile = factor };
        var model = new TrainedModel(new Plus(adapter), adapter);
        using var trained = new Policy("trained", [.. adapter.Parameters.Select(static parameter => ones_like(parameter.Value).detach())]);
        var checkedFile = AdapterEffect.OfFile(model, "somewhere", trained);
        if (said is null)
        {
            Assert.True(checkedFile.IsOk);
            return;
        }
        var fault = checkedFile.Fault(FaultCodes.AdapterWithoutEffect, said);
        Assert.Equal("somewhere", fault.Place?.File);
    }

    // The model's own size may take a hundred times as long as what trained, and more memory than there is.
    [Theory]
    [InlineData(null, "1 1 2 2")]
    [InlineData("24x16", "1 1 4 6")]
    public void A_file_is_checked_at_the_size_that_trained(string? size, string expected)
    {
        var adapter = new Two { OfFile = 1 };
        var network = new Plus(adapter);
        var model = new TrainedModel(network, adapter) { Size = ImageSize.TryParse(size, out var trained) ? trained : null };
        using var policy = new Policy("trained", [.. adapter.Parameters.Select(static parameter => ones_like(parameter.Value).detach())]);
        Assert.True(AdapterEffect.OfFile(model, "somewhere", policy).IsOk);
        Assert.Equal([expected], network.Seen);
    }

    public void Dispose() => _scope.Dispose();

    /// <summary>Adds the sum of its values to a velocity.</summary>
    private sealed class Two : IAttachedAdapter
    {
        private static readonly string[] s_names = ["first", "second"];
        private readonly Stack<double> _uses = new();

        public float OfFile { get; init; } = 1;

        public double Added => _uses.TryPeek(out var used) ? used : 0;

        public IReadOnlyList<AdapterSite> Bound { get; } = [.. s_names.Select(static name => new AdapterSite(name, 1, 1, SiteRole.Attention))];

        public ParameterSet Parameters { get; } = new(s_names.SelectMany(static name => new[] { "a", "b" }.Select(factor => new Parameter($"{name}.{factor}", ParameterRole.Adapter, ones(1).requires_grad_()))));

        public long Bytes => 4;

        public IReadOnlyList<Parameter> ParametersOf(AdapterSite site) => [.. Parameters.Where(parameter => parameter.Name.StartsWith(site.Name, StringComparison.Ordinal))];

        public void Refresh() => throw new NotSupportedException();

        public IDisposable Use(Policy policy) => new Used(this, policy.Values.Sum(static value => value.item<float>()));

        public IDisposable SwitchOff() => new Used(this, 0);

        public Tensor UpdateOf(AdapterSite site, IReadOnlyList<Tensor> values) => throw new NotSupportedException();

        public Result<Unit> Write(string folder, IReadOnlyList<Tensor> values) => throw new NotSupportedException();

        public Result<IReadOnlyList<Tensor>> Read(string folder) => Result.Ok<IReadOnlyList<Tensor>>([.. Parameters.Select(parameter => full_like(parameter.Value, OfFile).detach())]);

        public void Dispose()
        {
        }

        private sealed class Used : IDisposable
        {
            private readonly Two _all;

            public Used(Two all, double added)
            {
                _all = all;
                all._uses.Push(added);
            }

            public void Dispose() => _all._uses.Pop();
        }
    }

    private sealed class Plus(Two adapter) : IModel
    {
        public ParameterSet Parameters => ParameterSet.Empty;

        public FlowScheduling Scheduling { get; } = new();

        public ImageSize NativeSize { get; } = new(8, 8);

        public GuidanceForm GuidanceForm => GuidanceForm.None;

        /// <summary>The shapes of the latents that it was asked about.</summary>
        public HashSet<string> Seen { get; } = [];

        public Result<LatentSpace> Latents(ImageSize size) => new LatentSpace([1, size.Height / 4, size.Width / 4], 4);

        public Conditioning Encode(ConditioningRequest request) => new Nothing();

        public Tensor Velocity(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning)
        {
            Seen.Add(string.Join(" ", latents.shape));
            return latents + adapter.Added;
        }

        public Tensor Decode(Tensor latents) => throw new NotSupportedException();

        public Tensor Encode(Tensor images) => throw new NotSupportedException();

        public void Refresh() => throw new NotSupportedException();

        public IDisposable Use(Policy policy) => throw new NotSupportedException();

        public Result<Unit> Export(ExportRequest export) => throw new NotSupportedException();
    }

    private sealed class Nothing : Conditioning
    {
        public override int BatchSize => 1;

        public override int EvaluationsPerVelocity => 1;

        protected override void Dispose(bool disposing)
        {
        }
    }
}
