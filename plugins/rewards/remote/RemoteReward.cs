using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Remote;

/// <summary>
/// Scores that an HTTP service gives: <c>POST { "version": 1, "images": [base64 PNG...], "prompts": [...], "metadata": [object|null...] }</c> is answered by
/// <c>{ "scores": [number...] }</c>, one finite number for each picture, in order. Pictures are rounded to 8 bits, so there is no gradient.
/// </summary>
public sealed class RemoteReward : IReward, IDisposable
{
    private readonly RemoteSettings _settings;
    private readonly string _name;
    private readonly RewardClient _client;
    private readonly ScoreAnswer _answer;

    private RemoteReward(RemoteSettings settings, Endpoint endpoint, PartContext context, TimeProvider time)
    {
        var faults = new ServiceFaults(context.Name, endpoint);
        (_settings, _name, _client, _answer) = (settings, context.Name, new RewardClient(endpoint, settings, faults, time, context.Stop), new ScoreAnswer(settings, faults));
    }

    /// <summary>Prepares to ask a service; it is not asked yet.</summary>
    /// <returns>A fault when the url is no http or https address, the variable of the token is not set, or minimum is above maximum.</returns>
    public static Result<RemoteReward> Create(RemoteSettings settings, PartContext context) => Create(settings, context, TimeProvider.System);

    /// <summary>The same on another clock.</summary>
    internal static Result<RemoteReward> Create(RemoteSettings settings, PartContext context, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(context);
        if (settings.Minimum > settings.Maximum)
            return new Fault.Configuration(FaultCodes.OutOfRange, FormattableString.Invariant($"reward '{context.Name}': minimum {settings.Minimum} is above maximum {settings.Maximum}"));
        return Endpoint.Create(settings, context.Name).Map(endpoint => new RemoteReward(settings, endpoint, context, time));
    }

    /// <inheritdoc/>
    /// <exception cref="FaultException">
    /// The service cannot be reached, is too slow, refuses, or answers anything but a finite score within the declared range for each picture; or a picture
    /// is not finite.
    /// </exception>
    /// <exception cref="OperationCanceledException">The run was asked to stop while the service had not answered an attempt well.</exception>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(prompts);
        if (images.shape[0] != prompts.Count) throw new ArgumentException($"{images.shape[0]} pictures for {prompts.Count} prompts", nameof(prompts));
        RequireFinite(images);
        var pictures = PictureBytes.Of(images);
        // The contract is synchronous, as tensor code is: a dispose scope belongs to its thread. So this thread waits, and what is waited for runs on
        // others and touches no tensor.
        var scores = Task.Run(() => Ask(pictures, prompts)).GetAwaiter().GetResult();
        return tensor(scores, dtype: ScalarType.Float32, device: images.device);
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    /// <summary>Asks for all batches, some at a time; each writes to its own places, so that the order of the answers does not matter.</summary>
    private async Task<float[]> Ask(IReadOnlyList<PictureBytes> pictures, IReadOnlyList<Prompt> prompts)
    {
        var scores = new float[prompts.Count];
        var starts = Enumerable.Range(0, (prompts.Count + _settings.Batch - 1) / _settings.Batch).Select(index => index * _settings.Batch);
        // The first fault ends the other requests.
        await Parallel.ForEachAsync(starts, new ParallelOptions { MaxDegreeOfParallelism = _settings.Concurrency }, async (start, cancellation) =>
        {
            Prompt[] batch = [.. prompts.Skip(start).Take(_settings.Batch)];
            var request = ScoreRequest.Write([.. batch.Select((_, index) => pictures[start + index].ToPng())], batch);
            _answer.Read(await _client.Post(request, cancellation), batch).CopyTo(scores, start);
        });
        return scores;
    }

    // A number that is none has no 8-bit value; what the cast made of it would be scored as a picture.
    private void RequireFinite(Tensor images)
    {
        using var scope = NewDisposeScope();
        if (images.isfinite().all().item<bool>()) return;
        throw new FaultException(new Fault.Run(FaultCodes.NotFinite, $"reward '{_name}' was given a picture that is not finite"));
    }
}
