using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Rewards;

/// <summary>
/// Pictures, or latents, that one reward after another scores, and that none may change: other rewards, measures and saved samples have the same ones. They are compared on their device after each reward, and what
/// was found is read back once for all of them.
/// </summary>
internal sealed class LentPictures : IDisposable
{
    private readonly Tensor _images;
    private readonly string _what;
    private readonly Tensor _before;
    private readonly List<(string Reward, Tensor Same)> _looks = [];

    /// <summary>Keeps what they are.</summary>
    /// <param name="images">What is lent.</param>
    /// <param name="what">What it is called in messages.</param>
    public LentPictures(Tensor images, string what = "pictures")
    {
        using var scope = NewDisposeScope();
        _what = what;
        (_images, _before) = (images, images.detach().clone().DetachFromDisposeScope());
    }

    /// <summary>The device they are on.</summary>
    public Device Device => _images.device;

    /// <summary>A handle of its own: what a reward disposes is not what others work with.</summary>
    public Tensor Lend() => _images.alias();

    /// <summary>Looks at them after a reward. A picture that is not a number is not equal to itself, and is judged elsewhere.</summary>
    public void Return(string reward)
    {
        using var scope = NewDisposeScope();
        _looks.Add((reward, (_images.detach().eq(_before) | _before.isnan()).all().DetachFromDisposeScope()));
    }

    /// <summary>The fault of the first reward that changed them; null when they are as they were.</summary>
    public Fault? Judge()
    {
        if (_looks.Count == 0) return null;
        using var scope = NewDisposeScope();
        if (stack([.. _looks.Select(static look => look.Same)]).all().item<bool>()) return null;
        var reward = _looks.First(static look => !look.Same.item<bool>()).Reward;
        return new Fault.Run(FaultCodes.StepThrew, $"reward '{reward}' changed the {_what} that it scored, which all rewards share; it has to work on a copy ({(_what == "pictures" ? "images" : _what)}.clone())");
    }

    public void Dispose()
    {
        _before.Dispose();
        foreach (var (_, same) in _looks) same.Dispose();
    }
}
