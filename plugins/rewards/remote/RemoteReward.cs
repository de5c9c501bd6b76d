using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Services;
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
    private readonly ServiceClient _client;
    private readonly ScoreAnswer _answer;

    private RemoteReward(RemoteSettings settings, Endpoint endpoint, PartContext context, TimeProvider time)
    {
        var faults = new ServiceFaults(context.Name, endpoint);
        (_settings, _name, _client, _answer) = (settings, context.Name, new ServiceClient(endpoint, settings, faults, time, context.Stop), new ScoreAnswer(settings, faults));
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
        return Endpoint.Create(settings.Url, settings.TokenVariable, context.Name).Map(endpoint => new RemoteReward(settings, endpoint, context, time));
    }

    /// <inheritdoc/>
    /// <exception cref="FaultException">
    /// The service cannot be reached, is too slow, refuses, or answers anything but a finite score within the declared range for each picture; or a picture
    /// is not finite.
    /// </exception>
    /// <exception cref="OperationCanceledException">The run was asked to stop while the service had not answered an attempt well.</exception>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        var pictures = SentPictures.Of(images, prompts, _name);
        var scores = new float[prompts.Count];
        SentPictures.Ask((prompts.Count + _settings.Batch - 1) / _settings.Batch, _settings.Concurrency, async (number, cancellation) =>
        {
            var start = number * _settings.Batch;
            Prompt[] batch = [.. prompts.Skip(start).Take(_settings.Batch)];
            var request = PictureRequest.Write([.. batch.Select((_, index) => pictures[start + index].ToPng())], batch);
            _answer.Read(await _client.Post(request, cancellation), batch).CopyTo(scores, start);
        });
        return tensor(scores, dtype: ScalarType.Float32, device: images.device);
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();
}
