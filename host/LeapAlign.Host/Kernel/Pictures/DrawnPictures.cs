using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Host.Composition;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.Pictures;

/// <summary>What an evaluation, or one of its previews, draws.</summary>
/// <param name="Form">How.</param>
/// <param name="Pictures">The pictures.</param>
internal sealed record DrawnPictures(EvaluationForm Form, PictureSpace Pictures)
{
    /// <summary>The pictures of a form.</summary>
    /// <returns>The model's fault, with the key that says the size, when it does not fit.</returns>
    public static Result<DrawnPictures> Of(IModel model, EvaluationForm form) =>
        PictureSpace.Of(model, form.Size ?? model.NativeSize).Match(
            pictures => Result.Ok(new DrawnPictures(form, pictures)),
            fault => Result.Fail<DrawnPictures>(fault with { Place = fault.Place ?? form.SizePlace }));

    /// <summary>The noise levels.</summary>
    public Schedule Schedule(IModel model, ISampler sampler) => sampler.CreateSchedule(model.Scheduling.For(Pictures.Latents), Form.Steps);

    /// <summary>Whether the sampler takes as many steps as it is asked for; null when it does.</summary>
    /// <param name="model">Spaces the noise levels.</param>
    /// <param name="sampler">Makes the steps.</param>
    /// <param name="name">What the run calls it.</param>
    public Fault? Misfit(IModel model, ISampler sampler, string name)
    {
        try
        {
            var made = Schedule(model, sampler).Steps;
            return Form.Steps is not { } steps || made == steps
                ? null
                : new Fault.Composition(FaultCodes.SettingsDoNotFit, $"{Form.StepsPlace.Key} asks for {steps} sampling steps, but the sampler '{name}' makes {made} whatever it is asked for", Form.StepsPlace);
        }
        catch (FaultException exception)
        {
            // A model folder may ask for noise levels that there are not.
            return Form.Steps is null ? exception.Fault : exception.Fault with { Place = exception.Fault.Place ?? Form.StepsPlace };
        }
    }
}
